package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"selfstream/evaluator"
	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// summary is what is worth knowing of a run, for people and as JSON.
type summary struct {
	Run     string         `json:"run"`
	Method  string         `json:"method"`
	Dataset string         `json:"dataset"`
	State   string         `json:"state"`
	Error   string         `json:"error,omitempty"`
	Config  schemas.Config `json:"config"`

	Images         int     `json:"images"`
	Epochs         float64 `json:"epochs"` // passes made
	Steps          int     `json:"steps"`  // made
	StepsPlanned   int     `json:"steps_planned"`
	SamplesTrained int64   `json:"samples_trained"`
	Rejected       int     `json:"rejected"`
	BatchesSHA256  string  `json:"batches_sha256"`
	WeightsSHA256  string  `json:"weights_sha256"`
	Backend        string  `json:"backend"`
	Fingerprint    string  `json:"fingerprint"`
	Seconds        float64 `json:"seconds"`

	Stages *ledger.Stages `json:"stages,omitempty"` // since its trainer last took it up

	Probes  []probed         `json:"probes"`
	Rejects []schemas.Reject `json:"rejects,omitempty"`
}

// probed is what the probes say of one snapshot. Step 0 is the untrained
// encoder.
type probed struct {
	Step       int                `json:"step"`
	Loss       float64            `json:"loss,omitempty"`
	LinearTop1 *float64           `json:"linear_top1,omitempty"`
	KNNTop1    *float64           `json:"knn_top1,omitempty"`
	Others     map[string]float64 `json:"others,omitempty"` // of probes that need no labels
	Notes      []string           `json:"notes,omitempty"`
}

// summarize reads what is kept of a run. One that failed before it began has a
// status alone.
func summarize(ctx context.Context, l *ledger.Ledger, run string) (summary, error) {
	var req schemas.RunRequest
	var status ledger.Status
	begun, err := found(l.Read(ctx, run, ledger.Request, &req))
	if err != nil {
		return summary{}, err
	}
	told, err := found(l.Read(ctx, run, ledger.State, &status))
	if err != nil {
		return summary{}, err
	}
	if !begun && !told {
		return summary{}, fmt.Errorf("no run %q; see: selfstream runs", run)
	}
	s := summary{Run: run, Method: req.Config.Method, Dataset: req.Dataset, Config: req.Config, State: "waiting"}
	if told {
		s.State, s.Error = status.State, status.Error
	}
	s.Images, s.Epochs, s.Steps, s.StepsPlanned = status.Images, status.Epoch, status.Step, status.Steps
	s.SamplesTrained, s.Rejected, s.Seconds = status.SamplesTrained, status.Rejected, status.Seconds
	s.BatchesSHA256, s.WeightsSHA256 = status.BatchesSHA256, status.WeightsSHA256
	s.Backend, s.Fingerprint, s.Stages = status.Backend, status.Fingerprint, status.Stages
	if _, err := found(l.Read(ctx, run, ledger.Rejects, &s.Rejects)); err != nil {
		return s, err
	}
	s.Probes, err = probes(ctx, l, run)
	return s, err
}

// found tells whether a document was there, by the error of reading it.
func found(err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// probes gathers the reports of a run, one row a step.
func probes(ctx context.Context, l *ledger.Ledger, run string) ([]probed, error) {
	reports, err := l.Reports(ctx, run)
	if err != nil {
		return nil, err
	}
	var rows []probed
	for _, r := range reports {
		if len(rows) == 0 || rows[len(rows)-1].Step != r.Step {
			// The snapshot may be gone, its loss with it.
			card, err := snapshot.ReadCard(ctx, l.Bucket(), snapshot.Prefix(run, r.Step))
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, snapshot.ErrDamaged) {
				return nil, err
			}
			rows = append(rows, probed{Step: r.Step, Loss: card.Loss, Others: map[string]float64{}})
		}
		rows[len(rows)-1].add(r)
	}
	return rows, nil
}

func (p *probed) add(r schemas.Report) {
	value := r.Value
	switch {
	case r.Probe == "linear" && r.Test > 0:
		p.LinearTop1 = &value
	case r.Probe == "knn" && r.Test > 0:
		p.KNNTop1 = &value
	case r.Probe != evaluator.Skipped:
		p.Others[r.Probe] = value
	}
	if r.Note != "" && !slices.Contains(p.Notes, r.Note) {
		p.Notes = append(p.Notes, r.Note)
	}
}

// table writes the probes of a run against those of the untrained encoder.
func (s summary) table(w io.Writer) {
	if len(s.Probes) == 0 {
		fmt.Fprintln(w, "no snapshot has been probed yet")
		return
	}
	if s.labelled() {
		s.accuracies(w)
	} else {
		s.labelFree(w)
	}
	for _, note := range s.Probes[len(s.Probes)-1].Notes {
		fmt.Fprintln(w, note)
	}
}

func (s summary) labelled() bool {
	return slices.ContainsFunc(s.Probes, func(p probed) bool { return p.LinearTop1 != nil })
}

func (s summary) accuracies(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "step\tloss\tlinear top-1\tk-NN top-1\tlinear vs untrained\tk-NN vs untrained\t")
	first := s.Probes[0]
	for i, p := range s.Probes {
		linear, knn := "", ""
		if i > 0 {
			linear, knn = difference(p.LinearTop1, first.LinearTop1), difference(p.KNNTop1, first.KNNTop1)
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t\n", p.Step, p.loss(), percent(p.LinearTop1), percent(p.KNNTop1), linear, knn)
	}
	tw.Flush()
}

// labelFree is the table of a dataset without labels.
func (s summary) labelFree(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	names := sortedKeys(s.Probes[0].Others)
	fmt.Fprint(tw, "step\tloss\t")
	for _, name := range names {
		fmt.Fprintf(tw, "%s\t", name)
	}
	fmt.Fprintln(tw)
	for _, p := range s.Probes {
		fmt.Fprintf(tw, "%d\t%s\t", p.Step, p.loss())
		for _, name := range names {
			fmt.Fprintf(tw, "%.4g\t", p.Others[name])
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}

func (p probed) loss() string {
	if p.Step == 0 {
		return "untrained"
	}
	return fmt.Sprintf("%.3f", p.Loss)
}

func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100**v)
}

func difference(v, from *float64) string {
	if v == nil || from == nil {
		return "–"
	}
	return fmt.Sprintf("%+.1f", 100*(*v-*from))
}

// writeSummary writes s to a file, whole or not at all.
func writeSummary(file string, s summary) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing summary: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".summary-*")
	if err != nil {
		return fmt.Errorf("writing summary: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing summary %s: %w", file, err)
	}
	return nil
}
