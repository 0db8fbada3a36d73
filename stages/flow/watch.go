package flow

import (
	"context"
	"time"
)

// WatchOptions tune Watch.
type WatchOptions struct {
	Since    time.Time // leaves out what was stored before; zero: nothing
	CaughtUp func()    // called once, when all that was kept has been seen
}

// Watch hands fn all messages that a stream keeps on subject, which may have
// wildcards, and those that come after, in the order in which they were
// stored, until ctx ends or fn returns an error.
func (f *Flow) Watch(ctx context.Context, subject string, o WatchOptions, fn func(Delivery) error) error {
	panic("not yet")
}
