package evaluator

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"selfstream/stages/watch"
)

// Counts are what an evaluator has done so far.
type Counts struct {
	Probed  int64         // snapshots whose reports are published
	Skipped int64         // snapshots that could not be probed
	Probing time.Duration // also in vain
	Waiting time.Duration // for snapshots
}

// Stats count while an evaluator runs. The zero value is ready.
type Stats struct {
	probed, skipped atomic.Int64

	mu               sync.Mutex
	waiting, probing time.Duration
	busy             bool
	since            time.Time // when busy changed last; zero: it does not run yet
}

// Read returns the counts of now.
func (s *Stats) Read() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(s.busy)
	return Counts{Probed: s.probed.Load(), Skipped: s.skipped.Load(), Probing: s.probing, Waiting: s.waiting}
}

// enter tells that the evaluator has a snapshot from now on, or has none.
func (s *Stats) enter(busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		s.since = time.Now()
	}
	s.shift(busy)
}

// shift counts the time until now. Before the evaluator runs there is none.
func (s *Stats) shift(busy bool) {
	if s.since.IsZero() {
		return
	}
	now := time.Now()
	if s.busy {
		s.probing += now.Sub(s.since)
	} else {
		s.waiting += now.Sub(s.since)
	}
	s.busy, s.since = busy, now
}

// Metrics are the counts for Prometheus.
func (s *Stats) Metrics() prometheus.Collector {
	return watch.Figures(counted, nil, func(tell func(Counts, ...string)) { tell(s.Read()) })
}

var counted = []watch.Figure[Counts]{
	{Name: "selfstream_evaluator_snapshots_total", Help: "Snapshots probed.", Value: func(c Counts) float64 { return float64(c.Probed) }},
	{Name: "selfstream_evaluator_skipped_snapshots_total", Help: "Snapshots that could not be probed.", Value: func(c Counts) float64 { return float64(c.Skipped) }},
	{Name: "selfstream_evaluator_probing_seconds_total", Help: "Time spent on snapshots.", Value: func(c Counts) float64 { return c.Probing.Seconds() }},
	{Name: "selfstream_evaluator_waiting_seconds_total", Help: "Time spent waiting for snapshots.", Value: func(c Counts) float64 { return c.Waiting.Seconds() }},
}
