package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

const soakTime = 90 * time.Second // after which no new round begins

// TestChaosSoak trains under faults drawn at random, one round after the other,
// each with the seed after that of the one before. It tells of each fault, and
// a round's seed gives the same faults at the same times again:
//
//	SELFSTREAM_CHAOS_SEED  of the first round; 1 if not set
//	SELFSTREAM_CHAOS_TIME  after which no new round begins; 90s if not set
//	SELFSTREAM_CHAOS_DATA  folder of images to train on, instead of drawn ones
func TestChaosSoak(t *testing.T) {
	thorough(t)
	seed, limit := uint64(1), soakTime
	var err error
	if v := os.Getenv("SELFSTREAM_CHAOS_SEED"); v != "" {
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if v := os.Getenv("SELFSTREAM_CHAOS_TIME"); v != "" {
		if limit, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	for start := time.Now(); time.Since(start) < limit && !t.Failed(); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Logf("again: make soak SEED=%d TIME=1s", seed)
			soak(t, seed)
		})
	}
}

// soak is one round.
func soak(t *testing.T, seed uint64) {
	s, trainer := begin(t)
	r := &round{system: s, learner: trainer}
	for i := range fleet {
		r.augmenters = append(r.augmenters, s.augmenter(fmt.Sprintf("a%d", i), 1+i))
	}
	plot := newPlot(seed, r.calamities())
	start := time.Now()
	for _, e := range plot {
		if !r.until(start.Add(e.at)) && !e.end {
			continue // the run is over, and what is amiss needs to be mended
		}
		t.Logf("%5.1f s, step %d: %s", time.Since(start).Seconds(), s.status().Step, e)
		e.happen()
		r.remind()
	}
	r.until(time.Now().Add(patience))
	s.finish()
	s.ask() // for the announcements that the storage of NATS has taken with it
	s.announced(s.kept())
}

// kept are the steps of the plan of which there is a snapshot: one may have
// found no room, or may be gone since.
func (s *system) kept() []int {
	s.t.Helper()
	steps, err := snapshot.Steps(s.t.Context(), s.ledger.Bucket(), chaosRun)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(steps, func(step int) bool { return !slices.Contains(planned(), step) })
}

// round is a system under random faults.
type round struct {
	*system
	learner    *process // the trainer
	augmenters []*process

	down    int  // servers that do not run
	unheard bool // whether the trainer may not know of the request, or hear of it only after AckWait
}

// until waits for a moment, and tells whether the run is still going on by then.
func (r *round) until(at time.Time) bool {
	for {
		r.supervise()
		state := r.status().State
		switch {
		case state == ledger.Failed:
			r.end(ledger.Finished) // which tells the reason
		case state == ledger.Finished:
			return false
		case !time.Now().Before(at):
			return true
		}
		time.Sleep(min(time.Until(at), 100*time.Millisecond))
	}
}

// supervise starts services again that have given up, as a service does that
// finds no server when it starts.
func (r *round) supervise() {
	for _, p := range append([]*process{r.learner}, r.augmenters...) {
		if p.gaveUp() {
			p.restart()
		}
	}
}

// remind asks for the run again where that spares time, once the servers are
// there.
func (r *round) remind() {
	if r.unheard && r.down == 0 {
		r.ask()
		r.unheard = false
	}
}
