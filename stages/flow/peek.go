package flow

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Peek waits for the next message that is published on subject, which may have
// wildcards, and hears it as it passes: no queue and no worker misses it. The
// delivery has no sequence number.
func (f *Flow) Peek(ctx context.Context, subject string) (Delivery, error) {
	sub, err := f.nc.SubscribeSync(subject)
	if err != nil {
		return Delivery{}, fmt.Errorf("peeking at %s: %w", subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it ends with the connection, too
	var msg *nats.Msg
	if msg, err = sub.NextMsgWithContext(ctx); err != nil {
		return Delivery{}, fmt.Errorf("peeking at %s: %w", subject, err)
	}
	return Delivery{Subject: msg.Subject, Header: msg.Header, Data: msg.Data}, nil
}
