package flow

import (
	"context"

	"selfstream/schemas"

	"github.com/nats-io/nats.go"
)

// Publish sends m and waits until the server has stored it.
func (f *Flow) Publish(ctx context.Context, m schemas.Message) error { panic("not yet") }

// PublishMsg is Publish for a message that schemas.Encode has packed.
func (f *Flow) PublishMsg(ctx context.Context, msg *nats.Msg) error { panic("not yet") }
