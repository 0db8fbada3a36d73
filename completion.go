package main

import (
	"context"
	"sync"

	"selfstream/evaluator"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// completion watches for the end of a run: its last snapshot is probed, or it
// has failed.
type completion struct {
	mu      sync.Mutex
	missing map[string]bool // probes of the last snapshot
	reached chan struct{}
}

func newCompletion() *completion {
	c := &completion{missing: map[string]bool{}, reached: make(chan struct{})}
	for _, name := range evaluator.Names() {
		c.missing[name] = true
	}
	return c
}

func (c *completion) metric(m schemas.Metric) {
	if m.State == ledger.Failed {
		c.reach()
	}
}

func (c *completion) report(r schemas.Report) {
	if !r.Final {
		return
	}
	c.mu.Lock()
	delete(c.missing, r.Probe)
	left := len(c.missing)
	c.mu.Unlock()
	if left == 0 {
		c.reach()
	}
}

func (c *completion) reach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.reached:
	default:
		close(c.reached)
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
