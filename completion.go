package main

import (
	"context"
	"sync"

	"selfstream/evaluator"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// completion is the end of a run: its last snapshot is probed, or it has
// failed.
type completion struct {
	run     string
	reached chan struct{}
	reach   func()
}

func newCompletion(run string) *completion {
	reached := make(chan struct{})
	return &completion{run, reached, sync.OnceFunc(func() { close(reached) })}
}

func (c *completion) metric(m schemas.Metric) {
	if m.Run == c.run && m.State == ledger.Failed {
		c.reach()
	}
}

func (c *completion) report(r schemas.Report) {
	if r.Final && evaluator.Last(r) {
		c.reach()
	}
}

// wait returns true once the run has ended, and false if ctx ends before.
func (c *completion) wait(ctx context.Context) bool {
	select {
	case <-c.reached:
		return true
	case <-ctx.Done():
		return false
	}
}
