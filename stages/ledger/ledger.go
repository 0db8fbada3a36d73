// Package ledger keeps what is known of the runs in the bucket "runs", so that
// a run outlives the queue and every process: its request, its manifest, its
// state, its rejected images, its snapshots and its reports.
//
//	<run>/request.json                     schemas.RunRequest, with every default filled in
//	<run>/manifest.json                    plan.Manifest
//	<run>/status.json                      Status
//	<run>/curve.json                       Curve
//	<run>/lease.json                       which trainer has it; see package lease
//	<run>/rejects.json                     []schemas.Reject
//	<run>/probe-images.json                the images that its probes are made with
//	<run>/snapshots/<step>/card.json …     see package snapshot
//	<run>/reports/<step>-<probe>.json      schemas.Report
//	<run>/evaluations/<step>-<probe>-<what it was made from>.json
//	<run>/exhibits/<step>.safetensors      see package evaluator/exhibit
//	<run>/features/<step>.safetensors      the newest features; see docs/exhibits.md
package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// Names of the documents below a run's folder.
const (
	Request  = "request.json"
	Manifest = "manifest.json"
	State    = "status.json"
	Curves   = "curve.json"
	Rejects  = "rejects.json"
	Lease    = "lease.json"
)

// maxDocument bounds what is read into memory: a manifest of a few million
// images.
const maxDocument = 1 << 30

// Ledger reads and writes the documents of runs. It may be used by many
// goroutines at once.
type Ledger struct{ b bucket.Bucket }

// New returns the ledger in b, the bucket "runs".
func New(b bucket.Bucket) *Ledger { return &Ledger{b} }

// Bucket is where the ledger lies.
func (l *Ledger) Bucket() bucket.Bucket { return l.b }

// Read unmarshals a document of the run into v. A missing one is
// fs.ErrNotExist.
func (l *Ledger) Read(ctx context.Context, run, document string, v any) error {
	key := run + "/" + document
	data, _, err := l.b.Get(ctx, key, maxDocument)
	if err != nil {
		return fmt.Errorf("reading %s of run %s: %w", document, run, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading %s: %w; delete it to forget the run", key, err)
	}
	return nil
}

// Find is Read for a document that may be missing.
func (l *Ledger) Find(ctx context.Context, run, document string, v any) (there bool, err error) {
	err = l.Read(ctx, run, document, v)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// readable is up to how many bytes a document is laid out for people.
const readable = 1 << 20

// Write keeps v as a document of the run.
func (l *Ledger) Write(ctx context.Context, run, document string, v any) error {
	data, err := json.Marshal(v)
	if err == nil && len(data) <= readable {
		data, err = json.MarshalIndent(v, "", " ")
	}
	if err != nil {
		return fmt.Errorf("writing %s of run %s: %w", document, run, err)
	}
	if err := l.b.Put(ctx, run+"/"+document, append(data, '\n')); err != nil {
		return fmt.Errorf("writing %s of run %s: %w", document, run, err)
	}
	return nil
}

// Runs lists the names of the runs, sorted. One that failed before it began has
// a status alone.
func (l *Ledger) Runs(ctx context.Context) ([]string, error) {
	folders, err := l.b.Folders(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	var runs []string
	for _, folder := range folders {
		exists, err := l.Exists(ctx, folder)
		if err != nil {
			return nil, fmt.Errorf("listing runs: %w", err)
		}
		if exists {
			runs = append(runs, folder)
		}
	}
	return runs, nil
}

// Exists tells whether a trainer has taken up the run.
func (l *Ledger) Exists(ctx context.Context, run string) (bool, error) {
	for _, document := range []string{Request, State} {
		_, err := l.b.Stat(ctx, run+"/"+document)
		if !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// ReportKey is where the report of one probe of one snapshot lies.
func ReportKey(run string, step int, probe string) string {
	return fmt.Sprintf("%s/reports/%08d-%s.json", run, step, probe)
}

// WriteReport keeps r.
func (l *Ledger) WriteReport(ctx context.Context, r schemas.Report) error {
	return l.Write(ctx, r.Run, strings.TrimPrefix(ReportKey(r.Run, r.Step, r.Probe), r.Run+"/"), r)
}

// Reports reads what evaluators have reported of every snapshot of the run, by
// step and then by probe.
func (l *Ledger) Reports(ctx context.Context, run string) ([]schemas.Report, error) {
	return l.reports(ctx, run, "reports")
}

// Evaluation is the document of a report that somebody has asked for. digest
// tells it from others of the same probe.
func Evaluation(step int, probe, digest string) string {
	return fmt.Sprintf("evaluations/%08d-%s-%s.json", step, probe, digest)
}

// Evaluations reads the reports that somebody has asked for, by dataset, step,
// probe and share of the labels.
func (l *Ledger) Evaluations(ctx context.Context, run string) ([]schemas.Report, error) {
	return l.reports(ctx, run, "evaluations")
}

func (l *Ledger) reports(ctx context.Context, run, folder string) ([]schemas.Report, error) {
	var reports []schemas.Report
	for info, err := range l.b.List(ctx, run+"/"+folder+"/") {
		if err != nil {
			return nil, fmt.Errorf("listing %s of run %s: %w", folder, run, err)
		}
		var r schemas.Report
		if err := l.Read(ctx, run, strings.TrimPrefix(info.Key, run+"/"), &r); err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	slices.SortStableFunc(reports, func(a, b schemas.Report) int {
		return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Labels, b.Labels))
	})
	return reports, nil
}
