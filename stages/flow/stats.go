package flow

import (
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"selfstream/stages/watch"
)

// Counts are what has gone over a connection so far.
type Counts struct {
	Published   int64  // messages that the server has stored
	Retried     int64  // attempts to publish one after the first
	Redelivered int64  // deliveries to workers of messages that were delivered before
	Reconnects  uint64 // after the server was away
}

// Retries are the messages that took more than one attempt, each time.
func (c Counts) Retries() int64 { return c.Retried + c.Redelivered }

type counters struct{ published, retried, redelivered atomic.Int64 }

// Counts may be asked for at any time.
func (f *Flow) Counts() Counts {
	return Counts{
		Published:   f.counters.published.Load(),
		Retried:     f.counters.retried.Load(),
		Redelivered: f.counters.redelivered.Load(),
		Reconnects:  f.nc.Stats().Reconnects,
	}
}

// Health tells what is wrong with the connection, or returns nil.
func (f *Flow) Health() error {
	if s := f.nc.Status(); s != nats.CONNECTED {
		return fmt.Errorf("the connection to NATS is %s; is the server running?", s)
	}
	return nil
}

// Metrics are the counts for Prometheus.
func (f *Flow) Metrics() prometheus.Collector {
	return watch.Figures(figures, nil, func(tell func(Counts, ...string)) { tell(f.Counts()) })
}

var figures = []watch.Figure[Counts]{
	{Name: "selfstream_flow_published_total", Help: "Messages that NATS has stored.", Value: func(c Counts) float64 { return float64(c.Published) }},
	{Name: "selfstream_flow_publish_retries_total", Help: "Attempts to publish a message after the first.", Value: func(c Counts) float64 { return float64(c.Retried) }},
	{Name: "selfstream_flow_redeliveries_total", Help: "Deliveries of messages that were delivered before.", Value: func(c Counts) float64 { return float64(c.Redelivered) }},
	{Name: "selfstream_flow_reconnects_total", Help: "Times that the connection to NATS was made anew.", Value: func(c Counts) float64 { return float64(c.Reconnects) }},
}
