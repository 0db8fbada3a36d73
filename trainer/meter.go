package trainer

import (
	"context"
	"sync"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/collapse"
)

const (
	metricEvery   = 500 * time.Millisecond // at most this often, so that a fast run does not flood its stream
	collapseTimes = 50                     // how often in a run the embedding is looked at
)

// meter measures a run for people. It never holds the run up: a metric that
// cannot be published in time is dropped for the next one.
type meter struct {
	r       *run
	monitor collapse.Monitor

	since time.Time // when the last metric was taken
	last  Counts    // by then

	imageRate, stepRate float64 // images and steps per second, of the last metric

	out  chan schemas.Metric
	sent sync.WaitGroup
}

func newMeter(ctx context.Context, r *run) *meter {
	m := &meter{r: r, since: time.Now(), last: r.Stats.Read(), out: make(chan schemas.Metric, 1)}
	m.sent.Go(func() {
		for metric := range m.out {
			if err := r.Flow.Publish(ctx, &metric); err != nil && ctx.Err() == nil {
				r.log.Warn("publishing a metric", "err", err)
			}
		}
	})
	return m
}

// measure looks at a step, and publishes when it is time to.
func (m *meter) measure(f reading, embedding *tensors.Tensor) {
	defer embedding.MustFinalizeAll()
	look := m.r.step%max(1, m.r.steps/collapseTimes) == 0
	if !look && time.Since(m.since) < metricEvery {
		return
	}
	counts := m.r.Stats.Read()
	metric := m.metric(ledger.Running, counts)
	metric.Values = f.values
	if look {
		metric.Collapse = m.look(embedding, f.loss)
		m.r.status.Warnings = metric.Collapse.Warnings
	}
	select {
	case m.out <- metric:
		m.since, m.last = time.Now(), counts
		m.r.curve.Add(metric)
	default: // the queue is away; the figures go into the next one
	}
}

// look looks for signs of collapse in the embedding of the last batch.
func (m *meter) look(embedding *tensors.Tensor, loss float64) *schemas.Collapse {
	dims := embedding.Shape().Dimensions
	return m.monitor.Look(tensors.MustCopyFlatData[float32](embedding), dims[0], dims[1], loss, m.r.learner.chance)
}

// metric is how the run does now.
func (m *meter) metric(state string, c Counts) schemas.Metric {
	r := m.r
	elapsed := time.Since(m.since).Seconds()
	if c.Steps > m.last.Steps { // else the run has just ended, and the last figures stand
		m.imageRate, m.stepRate = float64(c.Images-m.last.Images)/elapsed, float64(c.Steps-m.last.Steps)/elapsed
	}
	return schemas.Metric{
		Run: r.req.Run, Time: now(), Step: r.step, Steps: r.steps, Epoch: r.epoch(), State: state,
		Loss: r.status.Loss, LearningRate: r.schedule.At(max(0, r.step-1)),
		ImagesPerSecond: m.imageRate, StepsPerSecond: m.stepRate,
		WaitShare: (c.Waiting - m.last.Waiting).Seconds() / elapsed,
		SplitsOut: c.Feed.SplitsOut, BufferedBytes: c.Feed.BufferedBytes, Reissued: c.Feed.Reissued, Holes: c.Holes,
		AugmentersWanted: c.AugmentersWanted,
	}
}

// close publishes the state in which the run ends, and waits until that is
// done.
func (m *meter) close(state string) {
	m.out <- m.metric(state, m.r.Stats.Read())
	close(m.out)
	m.sent.Wait()
}
