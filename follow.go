package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

// A display shows a run to a person while it goes on. Its methods are called
// one at a time.
type display interface {
	metric(schemas.Metric)
	report(schemas.Report)
	reject(schemas.Reject)
	log(line string) // of a service; see logTo
	close()
}

// follow tells d and c of all that is published about a run from that time on,
// and of all its reports, until ctx ends.
func follow(ctx context.Context, f *flow.Flow, run string, since time.Time, d *locked, c *completion) error {
	group, ctx := errgroup.WithContext(ctx)
	listen(ctx, group, f, "metrics."+run, since, func(m schemas.Metric) { d.metric(m); c.metric(m) })
	listen(ctx, group, f, "reports."+run, time.Time{}, func(r schemas.Report) { d.report(r); c.report(r) })
	listen(ctx, group, f, "rejects."+run, since, func(r schemas.Reject) { d.reject(r) })
	return group.Wait()
}

// listen passes the messages of a subject on. One that cannot be read is left
// out: it is only for the eyes.
func listen[M any, P interface {
	*M
	schemas.Message
}](ctx context.Context, group *errgroup.Group, f *flow.Flow, subject string, since time.Time, show func(M)) {
	group.Go(func() error {
		return f.Watch(ctx, subject, flow.WatchOptions{Since: since}, func(d flow.Delivery) error {
			if m, err := flow.Decode[M, P](d); err == nil {
				show(m)
			}
			return nil
		})
	})
}
