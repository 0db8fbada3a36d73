package evaluator

import (
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
}

// Stats count while an evaluator runs. The zero value is ready.
type Stats struct{ probed, skipped, probing atomic.Int64 }

// Read returns the counts of now.
func (s *Stats) Read() Counts {
	return Counts{Probed: s.probed.Load(), Skipped: s.skipped.Load(), Probing: time.Duration(s.probing.Load())}
}

// Metrics are the counts for Prometheus.
func (s *Stats) Metrics() prometheus.Collector {
	return watch.Figures(counted, nil, func(tell func(Counts, ...string)) { tell(s.Read()) })
}

var counted = []watch.Figure[Counts]{
	{Name: "selfstream_evaluator_snapshots_total", Help: "Snapshots probed.", Value: func(c Counts) float64 { return float64(c.Probed) }},
	{Name: "selfstream_evaluator_skipped_snapshots_total", Help: "Snapshots that could not be probed.", Value: func(c Counts) float64 { return float64(c.Skipped) }},
	{Name: "selfstream_evaluator_probing_seconds_total", Help: "Time spent on snapshots.", Value: func(c Counts) float64 { return c.Probing.Seconds() }},
}
