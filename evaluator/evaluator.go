// Package evaluator turns snapshots into reports: it shows labelled images to
// the encoder of a snapshot, and has probes judge the features.
//
// Evaluators keep nothing that another could not make again. Any number of
// them may share the snapshots of any number of runs.
package evaluator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/gomlx/compute"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// Config of an evaluator.
type Config struct {
	Flow     *flow.Flow
	Datasets bucket.Bucket // images
	Runs     bucket.Bucket // snapshots and reports
	Backend  compute.Backend
	Stats    *Stats       // kept up to date; nil: nobody looks
	Log      *slog.Logger // nil: silent

	// More images than these are not looked at. They only matter for the first
	// snapshot of a run: the images are the same for all.
	TrainImages int   // for probes to learn from; 0 is 10,000
	TestImages  int   // to score them on; 0 is 5,000
	ImageBytes  int64 // of pixels in memory, which stay there for the next snapshot; 0 is 512 MiB
}

// Run probes one snapshot at a time until ctx ends, and returns nil then.
//
// Each report is kept with its run and published. A report that is there
// already is published again and not made again, so that nothing is lost when
// an evaluator is killed. A snapshot that is no longer there, or that cannot be
// probed, gets a report of the probe Skipped whose note says why.
func Run(ctx context.Context, cfg Config) error {
	e := newEvaluator(cfg)
	e.Stats.enter(false)
	return e.Flow.Work(ctx, schemas.SnapshotsStream, schemas.SnapshotsConsumer(), flow.WorkOptions{Workers: 1}, e.handle)
}

// newEvaluator fills in the defaults.
func newEvaluator(cfg Config) *evaluator {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Stats == nil {
		cfg.Stats = new(Stats)
	}
	if cfg.TrainImages == 0 {
		cfg.TrainImages = 10_000
	}
	if cfg.TestImages == 0 {
		cfg.TestImages = 5_000
	}
	if cfg.ImageBytes == 0 {
		cfg.ImageBytes = 512 << 20
	}
	return &evaluator{Config: cfg, ledger: ledger.New(cfg.Runs)}
}

// Skipped is the probe in reports about snapshots that cannot be probed. They
// have no value.
const Skipped = "skipped"

// Last tells whether r is the last of the reports about its snapshot.
func Last(r schemas.Report) bool {
	return r.Probe == Skipped || r.Probe == figures[len(figures)-1].Name()
}

// patience is how often a snapshot is looked for that is missing or damaged:
// a trainer that resumes may be writing it again.
const patience = 3

type evaluator struct {
	Config
	ledger *ledger.Ledger
	images images    // of the last snapshot
	asked  questions // alike
	pairs  pairs     // alike
}

// handle reports about one snapshot.
func (e *evaluator) handle(ctx context.Context, d flow.Delivery) error {
	s, err := flow.Decode[schemas.Snapshot](d)
	if err != nil {
		return err
	}
	e.Stats.enter(true)
	err = e.probe(ctx, s)
	e.Stats.enter(false)
	if err == nil {
		e.Stats.probed.Add(1)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	err = fmt.Errorf("probing step %d of run %s: %w", s.Step, s.Run, err)
	gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, snapshot.ErrDamaged)
	if !errors.Is(err, errHopeless) && (!gone || d.Redelivered+1 < patience) {
		return err
	}
	e.Log.Warn("skipping a snapshot", "run", s.Run, "step", s.Step, "err", err)
	r := schemas.Report{Run: s.Run, Step: s.Step, Final: s.Final, Probe: Skipped, Note: err.Error()}
	if err := e.ledger.WriteReport(ctx, r); err != nil {
		return err
	}
	if err := e.Flow.Publish(ctx, &r); err != nil {
		return err
	}
	e.Stats.skipped.Add(1)
	return nil
}

// errHopeless is wrapped by errors that no retry can mend.
var errHopeless = errors.New("cannot be probed")

// hopeless wraps it, unless there is no error or it is that of an evaluator that
// has to stop.
func hopeless(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errHopeless, err)
}

// probe publishes all reports about a snapshot, in the order of its exams, and
// makes those that are missing.
func (e *evaluator) probe(ctx context.Context, s schemas.Snapshot) error {
	chosen, err := e.selection(ctx, s)
	if err != nil {
		return err
	}
	start := time.Now()
	c := &candidate{evaluator: e, snapshot: s, chosen: chosen}
	exams := examsFor(chosen)
	for i, x := range exams {
		r, err := e.kept(ctx, s, x.name)
		if errors.Is(err, fs.ErrNotExist) {
			c.first = i == 0
			r, err = c.sit(ctx, x)
		}
		if err != nil {
			return err
		}
		if err := e.Flow.Publish(ctx, &r); err != nil {
			return err
		}
	}
	e.Log.Info("probed a snapshot", "run", s.Run, "step", s.Step, "reports", len(exams), "took", time.Since(start))
	return nil
}

// kept reads a report that has been made before.
func (e *evaluator) kept(ctx context.Context, s schemas.Snapshot, probe string) (schemas.Report, error) {
	var r schemas.Report
	document := strings.TrimPrefix(ledger.ReportKey(s.Run, s.Step, probe), s.Run+"/")
	err := e.ledger.Read(ctx, s.Run, document, &r)
	return r, err
}
