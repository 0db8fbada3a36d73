package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

// A display shows runs to a person while they go on, one after the other. Its
// methods are called one at a time.
type display interface {
	begin(run string) // what comes from now on is about another run
	metric(schemas.Metric)
	report(schemas.Report)
	reject(schemas.Reject)
	log(line string) // of a service; see logTo
	close()
}

// follow tells d of all that is published about runs from that time on, and c
// of what is about its run, also if it is older, until ctx ends.
func follow(ctx context.Context, f *flow.Flow, since time.Time, d *locked, c *completion) error {
	group, ctx := errgroup.WithContext(ctx)
	listen(ctx, group, f, "metrics.*", since, func(m schemas.Metric) { d.metric(m); c.metric(m) })
	listen(ctx, group, f, "reports."+c.run, time.Time{}, func(r schemas.Report) { d.report(r); c.report(r) })
	listen(ctx, group, f, "reports.*", since, func(r schemas.Report) {
		if r.Run != c.run {
			d.report(r)
		}
	})
	listen(ctx, group, f, "rejects.*", since, func(r schemas.Reject) { d.reject(r) })
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
