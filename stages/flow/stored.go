package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Stored returns the messages that a stream has on subject, oldest first, also
// those that are being handled. It asks for one after the other: it is for a
// handful.
func (f *Flow) Stored(ctx context.Context, subject string) ([]Delivery, error) {
	name, err := streamOf(subject)
	if err != nil {
		return nil, fmt.Errorf("reading what is on %s: %w", subject, err)
	}
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	stream, err := f.js.Stream(ctx, name)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is on %s: %w", subject, err)
	}
	var all []Delivery
	for next := uint64(1); ; {
		msg, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what is on %s: %w", subject, err)
		}
		all = append(all, Delivery{Subject: msg.Subject, Header: msg.Header, Data: msg.Data, Sequence: msg.Sequence, Stored: msg.Time})
		next = msg.Sequence + 1
	}
}
