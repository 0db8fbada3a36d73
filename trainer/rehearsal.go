package trainer

import (
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"

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

// Step makes the next step, and returns the batch's loss before it and how long
// it took.
func (r *Rehearsal) Step(b *feed.Batch) (loss float64, took time.Duration, err error) {
	start := time.Now()
	o, err := r.learner.step(b, r.schedule.At(r.step), optim.Progress(r.step, r.steps))
	if err != nil {
		return 0, 0, err
	}
	o.embedding.MustFinalizeAll()
	r.step++
	return o.loss, time.Since(start), nil
}

// Close frees what the steps needed.
func (r *Rehearsal) Close() {
	r.learner.close()
	r.learner.store.Finalize()
}
