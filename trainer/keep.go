package trainer

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"selfstream/schemas"
	"selfstream/stages/lease"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// snapshot keeps the run as it is, and tells the evaluators.
func (r *run) snapshot(ctx context.Context, final bool) error {
	card, err := r.write(ctx, final)
	if err != nil {
		return err
	}
	return r.announce(ctx, card)
}

// announce tells the evaluators about a snapshot. Hearing of one twice costs
// them nothing.
func (t *trainer) announce(ctx context.Context, card snapshot.Card) error {
	return t.Flow.Publish(ctx, &schemas.Snapshot{
		Run: card.Run, Step: card.Step, Epoch: card.Epoch, Prefix: snapshot.Prefix(card.Run, card.Step), Final: card.Final,
		BatchesSHA256: card.BatchesSHA256, WeightsSHA256: card.WeightsSHA256,
	})
}

// announceAll tells the evaluators about all that is left of a finished run:
// the queue may have lost what it was told before they heard it.
func (t *trainer) announceAll(ctx context.Context, run string) error {
	steps, err := snapshot.Steps(ctx, t.Runs, run)
	if err != nil {
		return err
	}
	for _, step := range steps {
		card, err := snapshot.ReadCard(ctx, t.Runs, snapshot.Prefix(run, step))
		if errors.Is(err, snapshot.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if card.Planned() {
			if err := t.announce(ctx, card); err != nil {
				return err
			}
		}
	}
	return nil
}

// write keeps the run as it is.
func (r *run) write(ctx context.Context, final bool) (snapshot.Card, error) {
	defer r.Stats.enter(r.Stats.enter(snapshotting))
	// Before the card: whoever goes on from it must know of all images that were
	// left out until then. Of more is no harm.
	if err := r.ledger.Write(ctx, r.req.Run, ledger.Rejects, r.holes.Rejects()); err != nil {
		return snapshot.Card{}, err
	}
	card, err := snapshot.Write(ctx, r.runs, r.learner.store, snapshot.Card{
		Run: r.req.Run, Dataset: r.req.Dataset, Config: r.req.Config, Recipe: r.recipe, Classes: r.manifest.Classes,
		Step: r.step, Steps: r.steps, Epoch: r.epoch(), Loss: r.status.Loss, Final: final,
		Cursor: r.cursor, ManifestSHA256: r.listed, Fingerprint: r.Fingerprint,
		BatchesSHA256: r.digest.String(), SamplesTrained: r.trained,
		Seconds: r.seconds(), Version: r.Version,
	})
	if err != nil {
		return card, err
	}
	state := ledger.Running
	if final {
		state = ledger.Finished
	}
	r.status.WeightsSHA256 = card.WeightsSHA256
	if err := snapshot.Prune(ctx, r.runs, r.req.Run, r.Keep); err != nil {
		r.log.Warn("leaving old snapshots", "err", err)
	}
	return card, r.record(ctx, state)
}

// record writes the run's status, and its curve up to there.
func (r *run) record(ctx context.Context, state string) error {
	s := &r.status
	if s.Started.IsZero() {
		s.Started = now()
	}
	s.Run, s.State, s.Error, s.Updated, s.Seconds = r.req.Run, state, "", now(), r.seconds()
	s.Images, s.Step, s.Steps, s.Epoch = len(r.manifest.Images), r.step, r.steps, r.epoch()
	s.SamplesTrained, s.Rejected, s.BatchesSHA256 = r.trained, r.holes.Len(), r.digest.String()
	s.Backend, s.Fingerprint = r.BackendName, r.Fingerprint
	if s.Stages = r.Stats.Read().stages(); s.Stages != nil {
		s.Stages.Trainer.Retries = r.Flow.Counts().Retries() - r.retries
	}
	if err := r.ledger.Write(ctx, r.req.Run, ledger.Curves, r.curve); err != nil {
		return err
	}
	return r.ledger.Write(ctx, r.req.Run, ledger.State, s)
}

// stopTime is how long a trainer that is told to stop may take to keep what it
// has learned since the last snapshot.
const stopTime = 5 * time.Second

// stop keeps the run when the trainer is told to stop, unless another trainer
// has it. No evaluator is told: it is not one of the plan's snapshots.
func (r *run) stop(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, lease.ErrLost) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	_, err := r.write(ctx, false)
	if err == nil {
		err = r.record(ctx, ledger.Stopped)
	}
	if err != nil {
		r.log.Warn("stopping without a snapshot; the run will continue from the one before", "err", err)
	}
	return errors.Join(cause, err)
}

// finish writes the last snapshot. It is what the run was for, so it is tried
// until it succeeds or the run is told to stop.
func (r *run) finish(ctx context.Context, m *meter) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := r.snapshot(ctx, true)
		if err == nil {
			m.close(ledger.Finished)
			return nil
		}
		r.log.Warn("trying again to write the last snapshot", "in", wait, "err", err)
		select {
		case <-ctx.Done():
			return r.stop(ctx)
		case <-time.After(wait):
		}
	}
}

// epoch is the number of passes over the manifest so far.
func (r *run) epoch() float64 {
	done := float64(r.cursor.Split) / float64(r.plan.Splits())
	return float64(r.cursor.Epoch) + done
}

// seconds is the time at work, all starts together.
func (r *run) seconds() float64 { return (r.before + time.Since(r.started)).Seconds() }
