package history

import (
	"context"
	"fmt"
	"time"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// Run is all that is kept of a run but its snapshots.
type Run struct {
	Summary
	Updated time.Time        `json:"updated"` // when its trainer was last heard of
	Curve   ledger.Curve     `json:"curve"`
	Reports []schemas.Report `json:"reports"` // by step and then by probe

	Evaluations []schemas.Report `json:"evaluations,omitempty"` // that somebody has asked for
}

// Read reads a run. One that there is not is ErrUnknown.
func Read(ctx context.Context, l *ledger.Ledger, name string) (*Run, error) {
	var req schemas.RunRequest
	var status ledger.Status
	var rejects []schemas.Reject
	r := &Run{}
	known := false
	for _, d := range []struct {
		document string
		to       any
	}{{ledger.Request, &req}, {ledger.State, &status}, {ledger.Rejects, &rejects}, {ledger.Curves, &r.Curve}} {
		there, err := l.Find(ctx, name, d.document, d.to)
		if err != nil {
			return nil, err
		}
		known = known || there
	}
	if !known {
		return nil, fmt.Errorf("%w: %q; see: selfstream runs", ErrUnknown, name)
	}
	r.Summary, r.Updated = summarize(req, status), status.Updated
	r.Run, r.Rejects = name, rejects
	var err error
	if r.Reports, err = l.Reports(ctx, name); err != nil {
		return nil, err
	}
	if r.Evaluations, err = l.Evaluations(ctx, name); err != nil {
		return nil, err
	}
	if r.Stages != nil {
		r.Stages.Evaluator = probing(status, req.Config.SnapshotEvery, r.Reports)
	}
	r.Probes, err = probes(ctx, l, name, r.Reports)
	return r, err
}

// Add takes in a metric that has come since. What else there is of a run, such
// as reports, has to be read again.
func (r *Run) Add(m schemas.Metric) {
	if m.Time.Before(r.Updated) {
		return // what was kept is newer
	}
	r.State, r.Error, r.Updated = m.State, m.Error, m.Time
	r.Steps, r.StepsPlanned, r.Epochs = m.Step, m.Steps, m.Epoch
	r.Curve.Add(m)
}

// Last is the newest metric, or the zero value.
func (r *Run) Last() schemas.Metric {
	if n := len(r.Curve.Points); n > 0 {
		return r.Curve.Points[n-1]
	}
	return schemas.Metric{}
}

// Collapse is the last look at the embedding, or nil.
func (r *Run) Collapse() *schemas.Collapse {
	for i := len(r.Curve.Points) - 1; i >= 0; i-- {
		if c := r.Curve.Points[i].Collapse; c != nil {
			return c
		}
	}
	return nil
}

// Renew takes in what is kept by now, without going back behind the metrics
// that have come since.
func (r *Run) Renew(kept *Run) {
	if kept.Updated.Before(r.Updated) {
		kept.State, kept.Error, kept.Updated = r.State, r.Error, r.Updated
		kept.Steps, kept.StepsPlanned, kept.Epochs = r.Steps, r.StepsPlanned, r.Epochs
		kept.Curve = r.Curve
	}
	*r = *kept
}

// Live tells whether a trainer is, or should be, at work on the run.
func (r *Run) Live() bool { return r.State == ledger.Running }

// Finished tells whether the run has made all of its steps.
func (r *Run) Finished() bool { return r.State == ledger.Finished }
