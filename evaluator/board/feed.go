package board

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/flow"
)

// reread is when the bucket is read again, whatever has come.
const reread = 2 * time.Minute

// watchRun keeps the page of a run up to date.
func (b *board) watchRun(ctx context.Context, name string, t *topic) error {
	run, err := b.await(ctx, name, t)
	if err != nil {
		return err
	}
	var g gathered
	b.gather(ctx, run, &g)
	read, stale, changed := time.Now(), false, true
	var sight atomic.Pointer[sight]
	var crew crew
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.watchSamples(ctx, name, sight.Store) })
	group.Go(func() error { return b.watchCrew(ctx, &crew) })
	group.Go(func() error {
		return b.follow(ctx, name, run.Updated, news{
			metric: func(m schemas.Metric) { run.Add(m); changed = true },
			other:  func(string) { stale = true },
			beat: func() error {
				if stale || time.Since(read) > reread {
					kept, err := history.Read(ctx, b.ledger, name)
					if err != nil {
						return err
					}
					run.Renew(kept)
					b.gather(ctx, run, &g)
					read, stale, changed = time.Now(), false, true
				}
				if seen := sight.Load(); seen != g.Sight {
					g.Sight, changed = seen, true
				}
				if changed || run.Live() { // how long ago it was heard of changes by itself
					g.team = crew.team(time.Now())
					t.publish(b.runParts(run, g))
					changed = false
				}
				return nil
			},
		})
	})
	return group.Wait()
}

// await reads a run. While there is none, the page says so.
func (b *board) await(ctx context.Context, name string, t *topic) (*history.Run, error) {
	for {
		run, err := history.Read(ctx, b.ledger, name)
		if !errors.Is(err, history.ErrUnknown) {
			return run, err
		}
		t.publish(b.awaitedParts(name))
		select {
		case <-time.After(b.Beat):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// watchRuns keeps the list of the runs up to date.
func (b *board) watchRuns(ctx context.Context, t *topic) error {
	began := time.Now()
	runs := map[string]*history.Run{}
	stale := map[string]bool{}
	read := time.Time{}
	var crew crew
	beat := func() error {
		if time.Since(read) > reread {
			names, err := b.ledger.Runs(ctx)
			if err != nil {
				return err
			}
			for _, name := range names {
				stale[name] = true
			}
			read = time.Now()
		}
		if err := b.renew(ctx, runs, stale); err != nil {
			return err
		}
		t.publish(b.runsParts(runs, crew.team(time.Now())))
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.watchCrew(ctx, &crew) })
	group.Go(func() error {
		return b.follow(ctx, "*", began, news{
			metric: func(m schemas.Metric) {
				if run := runs[m.Run]; run != nil {
					run.Add(m)
				} else {
					stale[m.Run] = true
				}
			},
			other: func(run string) { stale[run] = true },
			beat:  beat,
		})
	})
	return group.Wait()
}

// renew reads those runs again that are stale.
func (b *board) renew(ctx context.Context, runs map[string]*history.Run, stale map[string]bool) error {
	for name := range stale {
		kept, err := history.Read(ctx, b.ledger, name)
		switch {
		case errors.Is(err, history.ErrUnknown):
			delete(runs, name) // deleted meanwhile
		case err != nil:
			return err
		case runs[name] == nil:
			runs[name] = kept
		default:
			runs[name].Renew(kept)
		}
		delete(stale, name)
	}
	return nil
}

// news are told one at a time.
type news struct {
	metric func(schemas.Metric)
	other  func(run string) // something else was published: it lies in the bucket
	beat   func() error     // regularly, and first when all metrics that were there have been told
}

// follow tells what is published about runs, "*" being all, until ctx ends.
// Metrics that were stored since that time are told, too.
func (b *board) follow(ctx context.Context, runs string, since time.Time, n news) error {
	group, ctx := errgroup.WithContext(ctx)
	events := make(chan func(), 64)
	tell := func(event func()) {
		select {
		case events <- event:
		case <-ctx.Done():
		}
	}
	watch := func(subject string, o flow.WatchOptions, event func(flow.Delivery) func()) {
		group.Go(func() error {
			return b.Flow.Watch(ctx, subject+runs, o, func(d flow.Delivery) error {
				tell(event(d))
				return nil
			})
		})
	}
	if !since.IsZero() {
		since = since.Add(-time.Minute) // clocks differ; what is too old is told by its own time
	}
	var failed error
	seen := func() { tell(func() { failed = n.beat() }) }
	watch("metrics.", flow.WatchOptions{Since: since, CaughtUp: seen}, func(d flow.Delivery) func() {
		m, err := flow.Decode[schemas.Metric](d)
		if err != nil {
			return func() {} // it is only for the eyes
		}
		return func() { n.metric(m) }
	})
	for _, subject := range []string{"reports.", "snapshots.", "rejects."} {
		watch(subject, flow.WatchOptions{Since: time.Now()}, func(d flow.Delivery) func() {
			return func() { n.other(strings.TrimPrefix(d.Subject, subject)) }
		})
	}
	group.Go(func() error {
		tick := time.NewTicker(b.Beat)
		defer tick.Stop()
		for failed == nil {
			select {
			case event := <-events:
				event()
			case <-tick.C:
				failed = n.beat()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return failed
	})
	return group.Wait()
}
