package trainer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/trainer/feed"
)

// train takes the run from where it is to its end.
func (r *run) train(ctx context.Context) error {
	f := feed.New(feed.Config{
		Plan: r.plan, Recipe: r.recipe, Fingerprint: r.Fingerprint, From: r.cursor,
		Epochs: r.req.Config.Epochs, Batch: r.req.Config.Batch, Credit: r.Credit, Holes: r.holes,
		Issue: func(ctx context.Context, s schemas.Split) error { return r.Flow.Publish(ctx, &s) },
		Retract: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			return r.Flow.Retract(ctx, r.req.Run)
		},
		Log: r.log,
	})
	r.Stats.begin(
		Counts{Run: r.req.Run, Step: r.step, Epoch: r.epoch(), Loss: r.status.Loss, Credit: cmp.Or(r.Credit, feed.DefaultCredit)},
		func() (feed.Stats, int) { return f.Stats(), r.holes.Len() },
	)
	defer r.Stats.end()
	// What an earlier start of this trainer left in the queue would be made and
	// sent for nothing.
	r.purge(ctx)
	if err := r.announceStart(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return f.Run(inner) })
	group.Go(func() error { return r.receive(inner, f) })
	// One is cut, and one brought to the device, while another is trained on.
	batches, ready := make(chan *feed.Batch), make(chan loaded)
	group.Go(func() error { return cut(inner, f, batches) })
	group.Go(func() error { return r.learner.loadAll(inner, batches, ready) })
	group.Go(func() error {
		defer stop() // the run is over, and with it all that feeds it
		return r.learn(inner, ready)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	r.purge(ctx)
	return nil
}

// announceStart makes the snapshot of the untrained encoder, or tells of the
// one that the run goes on from: the trainer may have died before it did.
func (r *run) announceStart(ctx context.Context) error {
	switch {
	case r.card == nil:
		return r.snapshot(ctx, false)
	case r.card.Planned():
		return r.announce(ctx, *r.card)
	}
	return nil
}

// purge removes what the run leaves in the queue. It ages away by itself, too,
// so a run is not held up by a queue that is not there.
func (r *run) purge(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := r.Flow.Purge(ctx, r.req.Run); err != nil {
		r.log.Warn("leaving splits and samples in the queue", "err", err)
	}
}

// receive hands the samples that come back to the feed.
func (r *run) receive(ctx context.Context, f *feed.Feed) error {
	var told sync.Map // which augmenters are of another build
	return r.Flow.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer(r.req.Run), flow.WorkOptions{Workers: receivers},
		func(_ context.Context, d flow.Delivery) error {
			s, err := flow.Decode[schemas.Samples](d)
			if err != nil {
				return err
			}
			a, err := feed.ArrivalOf(d.Header, d.Data)
			if err != nil {
				return flow.Permanent(err)
			}
			r.Stats.receive(len(s.IDs), effort(d))
			err = f.Admit(&s, a)
			if err == nil {
				return nil
			}
			if errors.Is(err, feed.ErrForeign) {
				if _, before := told.LoadOrStore(a.Augmenter, true); before {
					return nil
				}
			}
			return flow.Permanent(err)
		})
}

// receivers is how many messages are fetched and checked at once: while one is on
// its way, others are held against their digests.
const receivers = 4

// cut passes batches on until there are no more, and only then closes the
// channel: a run that is broken off has not come to its end.
func cut(ctx context.Context, f *feed.Feed, batches chan<- *feed.Batch) error {
	for {
		b, err := f.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			close(batches)
			return nil
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return nil
		}
	}
}
