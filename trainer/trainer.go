// Package trainer turns requests into runs: it plans splits, turns the samples
// that come back into training steps, and writes snapshots.
package trainer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomlx/compute"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/lease"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// Config of a trainer.
type Config struct {
	Flow        *flow.Flow
	Datasets    bucket.Bucket // images
	Runs        bucket.Bucket // what is kept of runs
	Name        string        // under which it holds runs; no two trainers have the same
	Lease       time.Duration // how long another one waits that cannot hear of it; lease.DefaultDuration if 0
	Backend     compute.Backend
	BackendName string // for people
	Credit      int64  // bytes of samples on their way; feed.DefaultCredit if 0
	Keep        snapshot.Keep
	Fingerprint string // of the samples that are accepted
	Version     string // of selfstream, for the cards of snapshots
	Stats       *Stats // kept up to date; nil: nobody looks
	Log         *slog.Logger
}

// Run works on requests, one at a time, until ctx ends. A run that fails is
// recorded as failed, with the reason, and the next request is taken. Any
// number of trainers share the requests: each holds the run that it works on.
//
// It returns an error that wraps flow.ErrNotStored when the queue takes nothing
// any more; the run goes on from its last snapshot then, when it is asked for
// again.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Stats == nil {
		cfg.Stats = new(Stats)
	}
	t := &trainer{Config: cfg, leases: lease.New(lease.Config{
		Bucket: cfg.Runs, Holder: cfg.Name, Duration: cfg.Lease, Log: cfg.Log,
		// A trainer that gets no samples gives way to one that does.
		Useful: func() bool { return cfg.Flow.Health() == nil },
	})}
	ctx, t.halt = context.WithCancelCause(ctx)
	defer t.halt(nil)
	err := cfg.Flow.Work(ctx, schemas.RunsStream, schemas.RunsConsumer(), flow.WorkOptions{}, t.handle)
	if cause := context.Cause(ctx); err == nil && errors.Is(cause, flow.ErrNotStored) {
		return cause
	}
	return err
}

type trainer struct {
	Config
	leases *lease.Taker
	halt   context.CancelCauseFunc // ends Run, where no run can go on
}

// handle takes one request to its end. A run that is stopped, that another
// trainer has, or whose S3 is away for longer than retries last, comes again
// and goes on from its last snapshot.
func (t *trainer) handle(ctx context.Context, d flow.Delivery) error {
	req, err := flow.Decode[schemas.RunRequest](d)
	if err != nil {
		return err
	}
	log := t.Log.With("run", req.Run)
	held, err := t.leases.Take(ctx, req.Run+"/"+ledger.Lease)
	if other := (*lease.HeldError)(nil); errors.As(err, &other) {
		if d.Redelivered == 0 {
			log.Info("leaving a run to the trainer that has it", "trainer", other.Holder)
		}
		return flow.Later(other.Again, err)
	}
	if err != nil {
		return err
	}
	defer held.Release()
	r, err := t.work(held, req)
	switch {
	case ctx.Err() != nil:
		log.Info("stopping the run; ask for it again to continue it")
		return ctx.Err()
	case errors.Is(err, lease.ErrLost):
		log.Warn("stopping the run, which another trainer goes on with", "err", err)
		return flow.Later(lease.DefaultDuration, err)
	case errors.Is(err, bucket.ErrUnavailable):
		log.Warn("interrupting a run that will be tried again", "err", err)
		return err
	case errors.Is(err, flow.ErrNotStored):
		t.halt(fmt.Errorf("training run %s: %w", req.Run, err))
		return err
	case errors.Is(err, errFinished):
		log.Info("skipping a run that is finished")
		return t.announceAll(ctx, req.Run)
	case errors.Is(err, errChanged):
		log.Info("skipping a run on a dataset that has changed since; it has a run of its own as it is now", "dataset", req.Dataset)
		return nil
	case errors.Is(err, ErrOtherSettings): // which is no word about the run that exists
		return flow.Permanent(err)
	case err != nil:
		err = fmt.Errorf("training run %s: %w", req.Run, err)
		log.Error("giving up a run", "err", err)
		t.recordFailure(held, req, err)
		return flow.Permanent(err)
	}
	log.Info("finished a run", "steps", r.step, "batches_sha256", r.digest.String())
	return nil
}

// work takes a run to its end under the lease. If that is lost, the error wraps
// lease.ErrLost.
func (t *trainer) work(held *lease.Lease, req schemas.RunRequest) (*run, error) {
	ctx := held.Context()
	r, err := t.open(ctx, held, req)
	if err == nil {
		err = r.train(ctx)
		r.close()
	}
	if cause := context.Cause(ctx); errors.Is(cause, lease.ErrLost) {
		err = cause
	}
	return r, err
}

// recordFailure keeps the reason for people; the log alone is soon forgotten.
func (t *trainer) recordFailure(held *lease.Lease, req schemas.RunRequest, reason error) {
	ctx, l := held.Context(), ledger.New(held.Guard(t.Runs))
	var status ledger.Status
	_ = l.Read(ctx, req.Run, ledger.State, &status) // a run that failed at once has none
	status.Run, status.State, status.Error = req.Run, ledger.Failed, reason.Error()
	status.Updated = now()
	if err := l.Write(ctx, req.Run, ledger.State, status); err != nil {
		t.Log.Error("recording a failure", "run", req.Run, "err", err)
	}
	m := schemas.Metric{
		Run: req.Run, Time: now(), Step: status.Step, Steps: status.Steps, Epoch: status.Epoch,
		State: ledger.Failed, Error: reason.Error(),
	}
	if err := t.Flow.Publish(ctx, &m); err != nil {
		t.Log.Error("publishing a failure", "run", req.Run, "err", err)
	}
}
