package trainer

import (
	"context"
	"fmt"
	"math"

	"selfstream/trainer/optim"
)

// learn makes the steps of the run, with metrics and snapshots on the way. A step
// counts while the next one is made, but before a snapshot, and before the run
// stops, all do.
func (r *run) learn(ctx context.Context, batches <-chan loaded) error {
	meter := newMeter(ctx, r)
	steps := pipeline{learner: r.learner, count: func(m made) error { return r.count(meter, m) }}
	for begun := r.step; begun < r.steps; begun++ {
		b, more, err := r.next(ctx, &steps, batches)
		if err != nil {
			return err
		}
		if ctx.Err() != nil || r.lease.Wait(ctx) != nil {
			if err := steps.drain(); err != nil {
				return err
			}
			return r.stop(ctx)
		}
		if !more {
			break // holes have made the run shorter than planned
		}
		r.Stats.enter(stepping)
		if err := steps.step(b, r.schedule.At(begun), optim.Progress(begun, r.steps)); err != nil {
			return err
		}
		if done := begun + 1; done%r.req.Config.SnapshotEvery == 0 && done < r.steps {
			if err := steps.drain(); err != nil {
				return err
			}
			// A snapshot that cannot be written costs nothing but the way back
			// to the one before, if the run should die now.
			if err := r.snapshot(ctx, false); err != nil && ctx.Err() == nil {
				r.log.Warn("going on without a snapshot", "step", r.step, "err", err)
			}
		}
	}
	if err := steps.drain(); err != nil {
		return err
	}
	if r.step == 0 {
		return fmt.Errorf("no batch could be filled: %d of %d images are broken; see them with: selfstream runs %s",
			r.holes.Len(), len(r.manifest.Images), r.req.Run)
	}
	return r.finish(ctx, meter)
}

// next waits for a batch, or the end of the context. If there is none yet, the
// last step counts before the next is made.
func (r *run) next(ctx context.Context, steps *pipeline, batches <-chan loaded) (b loaded, more bool, err error) {
	r.Stats.enter(waiting)
	select {
	case b, more = <-batches:
		return b, more, nil
	default:
	}
	if err := steps.drain(); err != nil {
		return loaded{}, false, err
	}
	select {
	case <-ctx.Done():
	case b, more = <-batches:
	}
	return b, more, nil
}

// count moves the run's place past a step, unless it has diverged.
func (r *run) count(meter *meter, m made) error {
	f := r.learner.read(m.outcome)
	if math.IsNaN(f.loss) || math.IsInf(f.loss, 0) {
		return fmt.Errorf("the loss is %g at step %d: the run has diverged; start it again with a lower --learning-rate or a longer --warmup", f.loss, r.step)
	}
	r.step++
	r.cursor = m.After
	r.digest = r.digest.Add(m.Batch)
	r.trained += int64(m.Size())
	r.status.Loss = f.loss
	r.Stats.step(m.Size(), r.step, r.epoch(), f.loss)
	meter.measure(f, m.embedding)
	return nil
}
