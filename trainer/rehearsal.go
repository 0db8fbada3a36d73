package trainer

import (
	"context"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/trainer/feed"
	"selfstream/trainer/layer"
	"selfstream/trainer/optim"
)

// Rehearsal makes the steps of a run without a queue, a bucket and snapshots:
// from the same first weights, by the same schedule.
type Rehearsal struct {
	learner  *learner
	schedule optim.Schedule
	steps    int
	step     int
}

// Rehearse prepares a run of that many steps on images of that many classes. The
// config must be whole, with a batch.
func Rehearse(b compute.Backend, c schemas.Config, classes, steps int) (*Rehearsal, error) {
	what, err := newLesson(c, classes)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	layer.SetSeed(store, c.Seed)
	l, err := newLearner(b, store, what)
	return &Rehearsal{learner: l, schedule: schedule(c, steps), steps: steps}, err
}

// Step makes the next step, and returns the batch's loss before it.
func (r *Rehearsal) Step(ctx context.Context, b *feed.Batch) (loss float64, err error) {
	p := pipeline{learner: r.learner, count: func(m made) error {
		loss = r.read(m)
		return nil
	}}
	on, err := r.learner.load(ctx, b)
	if err == nil {
		err = r.advance(&p, on)
	}
	if err == nil {
		err = p.drain()
	}
	return loss, err
}

// Repeat makes the next n steps, all on one batch, and returns how long they
// took. As in a run the batch is brought to the device for each of them, while
// the step before is made, and what a step tells is read while the next is made.
func (r *Rehearsal) Repeat(ctx context.Context, b *feed.Batch, n int) (took time.Duration, err error) {
	p := pipeline{learner: r.learner, count: func(m made) error {
		r.read(m)
		return nil
	}}
	batches, ready := make(chan *feed.Batch, n), make(chan loaded)
	for range n {
		batches <- b
	}
	close(batches)
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.learner.loadAll(ctx, batches, ready) })
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case on, more := <-ready:
				if !more {
					return p.drain()
				}
				if err := r.advance(&p, on); err != nil {
					return err
				}
			}
		}
	})
	err = group.Wait()
	return time.Since(start), err
}

// advance makes the next step.
func (r *Rehearsal) advance(p *pipeline, b loaded) error {
	lr, progress := r.schedule.At(r.step), optim.Progress(r.step, r.steps)
	r.step++
	return p.step(b, lr, progress)
}

// read returns the loss of a step, and frees what it told.
func (r *Rehearsal) read(m made) float64 {
	m.embedding.MustFinalizeAll()
	return r.learner.read(m.outcome).loss
}

// Close frees what the steps needed.
func (r *Rehearsal) Close() {
	r.learner.close()
	r.learner.store.Finalize()
}
