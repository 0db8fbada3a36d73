package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	soakFaults = 16 // in a round, at most

	// Between the beginnings of two faults, and how long one lasts, on average.
	// One in eight lasts ten times as long: about as long as AckWait, and longer
	// than anybody asks an S3 again.
	faultGap  = 600 * time.Millisecond
	faultTime = 2 * time.Second
)

// calamity is a fault of the soak.
type calamity struct {
	name   string
	on     []string // what it befalls, one at a time
	strike func()
	mend   func() // nil: it is over at once
}

// event is the beginning or the end of a calamity.
type event struct {
	calamity
	at  time.Duration // since the round began
	end bool
}

func (e event) String() string {
	if e.end {
		return e.name + ": over"
	}
	return e.name
}

func (e event) happen() {
	if e.end {
		e.mend()
		return
	}
	e.strike()
}

// newPlot draws from the seed when which calamities begin and end. A kind is
// drawn first, so that it does not matter how many there are of a kind.
func newPlot(seed uint64, kinds [][]calamity) []event {
	draw := rand.New(rand.NewPCG(seed, 0))
	about := func(d time.Duration) time.Duration { return time.Duration(2 * draw.Float64() * float64(d)) }
	var plot []event
	var at time.Duration
	free := map[string]time.Duration{} // of what
	for range soakFaults {
		at += about(faultGap)
		kind := kinds[draw.IntN(len(kinds))]
		c := kind[draw.IntN(len(kind))]
		lasts := about(faultTime)
		if draw.IntN(8) == 0 {
			lasts *= 10
		}
		if slices.ContainsFunc(c.on, func(what string) bool { return at < free[what] }) {
			continue
		}
		plot = append(plot, event{calamity: c, at: at})
		if c.mend == nil {
			continue
		}
		plot = append(plot, event{calamity: c, at: at + lasts, end: true})
		for _, what := range c.on {
			free[what] = at + lasts
		}
	}
	slices.SortStableFunc(plot, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return plot
}

// TestPlot: a seed always gives the same calamities at the same times, and each
// comes up with some seed.
func TestPlot(t *testing.T) {
	kinds := new(round).calamities()
	tell := func(seed uint64) string {
		text := ""
		for _, e := range newPlot(seed, kinds) {
			text += fmt.Sprintln(e.at, e)
		}
		return text
	}
	if one, again := tell(1), tell(1); one != again {
		t.Errorf("seed 1: have\n%sand then\n%s", one, again)
	}
	if tell(1) == tell(2) {
		t.Error("seeds 1 and 2 give the same plot")
	}
	seen := map[string]bool{}
	for seed := range uint64(200) {
		for _, e := range newPlot(seed, kinds) {
			seen[e.name] = true
		}
	}
	for _, c := range slices.Concat(kinds...) {
		if !seen[c.name] {
			t.Errorf("%q does not come up", c.name)
		}
	}
}
