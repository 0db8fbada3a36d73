package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"selfstream/schemas"
)

// Tell sends m to whoever listens just now; it is kept nowhere. It does not wait
// for the server, and fails while there is none.
func (f *Flow) Tell(m schemas.Message) error {
	msg, err := schemas.Encode(m)
	if err == nil {
		err = f.nc.PublishMsg(msg)
	}
	if err != nil {
		return fmt.Errorf("telling %s: %w", m.Subject(), err)
	}
	return nil
}

// Listen hands fn the messages that are published on subject, which may have
// wildcards, as they pass, one at a time: no queue and no worker misses them. It
// returns nil when ctx ends, and the error of fn when that returns one. The
// deliveries have no sequence numbers.
func (f *Flow) Listen(ctx context.Context, subject string, fn func(Delivery) error) error {
	sub, err := f.nc.SubscribeSync(subject)
	if err != nil {
		return fmt.Errorf("listening to %s: %w", subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it ends with the connection, too
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, nats.ErrSlowConsumer):
			continue // some were missed
		case err != nil:
			return fmt.Errorf("listening to %s: %w", subject, err)
		}
		if err := fn(Delivery{Subject: msg.Subject, Header: msg.Header, Data: msg.Data}); err != nil {
			return err
		}
	}
}

// errHeard ends a Listen.
var errHeard = errors.New("heard one")

// Peek waits for the next message that Listen would hear.
func (f *Flow) Peek(ctx context.Context, subject string) (next Delivery, err error) {
	err = f.Listen(ctx, subject, func(d Delivery) error { next = d; return errHeard })
	if errors.Is(err, errHeard) {
		return next, nil
	}
	return next, cmp.Or(err, ctx.Err())
}
