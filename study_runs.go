package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/evaluator/study"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// trying makes the runs of a study on an engine.
type trying struct {
	*env
	engine  *engine
	study   study.Study
	dataset string
	seeds   []uint64
}

// lookEvery is how often the bucket is asked how far a run is.
const lookEvery = 500 * time.Millisecond

// all makes the runs one after the other; while one is trained, those before may
// still be probed. One that fails is told of, and left out.
func (t *trying) all(ctx context.Context, trials []trial) (*study.Results, error) {
	l := ledger.New(t.engine.runs)
	for i := range trials {
		tr := &trials[i]
		var err error
		if tr.req.Run, err = freshName(ctx, t.engine.buckets, tr.req, false); err != nil {
			return nil, err
		}
		if done, err := t.probed(ctx, l, tr.req.Run); err != nil || done {
			if err != nil {
				return nil, err
			}
			continue
		}
		asked := time.Now()
		if err := t.engine.flow.Publish(ctx, &tr.req); err != nil {
			return nil, err
		}
		fmt.Fprintf(t.stderr, "%d of %d: %s, seed %d: run %s\n", i+1, len(trials), tr.arm, tr.req.Config.Seed, tr.req.Run)
		if err := t.await(ctx, func() (bool, error) { return t.trained(ctx, l, tr.req.Run, asked) }); err != nil {
			return nil, err
		}
	}
	r := &study.Results{Study: t.study, Dataset: t.dataset, Seeds: t.seeds, Runs: map[string][]*history.Run{}}
	for _, arm := range t.study.Arms {
		r.Runs[arm.Name] = make([]*history.Run, len(t.seeds))
	}
	for _, tr := range trials {
		run, err := t.result(ctx, l, tr.req.Run)
		if err != nil {
			return nil, err
		}
		r.Runs[tr.arm][tr.seed] = run
	}
	return r, nil
}

// await asks until the answer is yes.
func (t *trying) await(ctx context.Context, done func() (bool, error)) error {
	for {
		if yes, err := done(); yes || err != nil {
			return err
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// trained tells whether a run that was asked for then has come to an end.
func (t *trying) trained(ctx context.Context, l *ledger.Ledger, run string, asked time.Time) (bool, error) {
	var s ledger.Status
	if there, err := l.Find(ctx, run, ledger.State, &s); err != nil || !there {
		return false, err
	}
	return s.State == ledger.Finished || s.State == ledger.Failed && s.Updated.After(asked), nil
}

// probed tells whether there are all reports about the last snapshot of a run.
func (t *trying) probed(ctx context.Context, l *ledger.Ledger, run string) (bool, error) {
	reports, err := l.Reports(ctx, run)
	for _, r := range reports {
		if r.Final && evaluator.Last(r) {
			return true, nil
		}
	}
	return false, err
}

// result waits for the probes of a run, and reads it. It is nil for one that
// failed.
func (t *trying) result(ctx context.Context, l *ledger.Ledger, name string) (*history.Run, error) {
	var s ledger.Status
	if err := l.Read(ctx, name, ledger.State, &s); err != nil {
		return nil, err
	}
	if s.State == ledger.Failed {
		fmt.Fprintf(t.stderr, "run %s failed: %s\n", name, s.Error)
		return nil, nil
	}
	if err := t.await(ctx, func() (bool, error) { return t.probed(ctx, l, name) }); err != nil {
		return nil, err
	}
	if t.study.Asks != nil {
		if err := t.ask(ctx, *t.study.Asks, name); err != nil {
			return nil, err
		}
	}
	return history.Read(ctx, l, name)
}

// ask makes the probes that the study asks for, unless they are there.
func (t *trying) ask(ctx context.Context, q evaluator.Inquiry, run string) error {
	fmt.Fprintf(t.stderr, "run %s: %s\n", run, strings.Join(q.Probes, ", "))
	q.Run = run
	x := t.engine
	return evaluator.Evaluate(ctx, evaluator.Config{Datasets: x.datasets, Runs: x.runs, Backend: x.backend, Log: t.log}, q, func(schemas.Report) {})
}
