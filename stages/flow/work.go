package flow

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Handler does the work that one message asks for.
type Handler func(ctx context.Context, d Delivery) error

// WorkOptions tune Work.
type WorkOptions struct {
	Workers int                   // handlers at work at once; 0 is 1
	Dropped func(Delivery, error) // told of each message that no retry can mend
}

// Work pulls messages from a stream's consumer, which it creates if need be,
// and has them handled until ctx ends.
func (f *Flow) Work(ctx context.Context, stream string, consumer jetstream.ConsumerConfig, o WorkOptions, handle Handler) error {
	panic("not yet")
}
