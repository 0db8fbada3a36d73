package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// Publish sends m and returns once the server has stored it. What can pass is
// tried again until ctx ends:
//
//	no answer, no connection     the server is away or starting
//	nobody there, no stream      it has lost its streams: Ensure, then again
//	stream full, too many        the consumers are slower: wait for them
//
// A message whose acknowledgement was lost is stored twice, so readers must
// bear repeats. Other errors are for good: ErrTooLarge, ErrNotStored,
// schemas.ErrInvalid, or what the server says.
func (f *Flow) Publish(ctx context.Context, m schemas.Message) error {
	msg, err := schemas.Encode(m)
	if err != nil {
		return err
	}
	return f.PublishMsg(ctx, msg)
}

// PublishMsg is Publish for a message that schemas.Encode has packed.
func (f *Flow) PublishMsg(ctx context.Context, msg *nats.Msg) error {
	var pause backoff
	var last error
	silences := 0 // in a row
	for attempt := 1; ; attempt++ {
		if attempt > 1 {
			f.counters.retried.Add(1)
		}
		err := f.publishOnce(ctx, msg)
		switch {
		case err == nil:
			f.counters.published.Add(1)
			return nil
		case missing(err):
			if ensured := f.Ensure(ctx); ensured != nil {
				err = ensured
			}
		case errors.Is(err, context.DeadlineExceeded) && f.answers(ctx):
			if silences++; silences == 3 {
				err = ErrNotStored
			}
		default:
			silences = 0
		}
		if ctx.Err() != nil {
			return fmt.Errorf("publishing %s: %w (after %d attempts, the last: %w)", msg.Subject, ctx.Err(), attempt, cmp.Or(last, err))
		}
		if !temporary(err) {
			return fmt.Errorf("publishing %s of %d bytes: %w", msg.Subject, len(msg.Data), err)
		}
		if attempt == 8 && !pushedBack(err) { // for seconds by now
			f.log.Warn("publishing, still trying", "subject", msg.Subject, "err", err)
		}
		last = err
		_ = pause.sleep(ctx) // The next attempt looks at ctx.
	}
}

func (f *Flow) publishOnce(ctx context.Context, msg *nats.Msg) error {
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	_, err := f.js.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
	if errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) {
		return ErrTooLarge
	}
	return err
}

// answers tells whether the server answers questions.
func (f *Flow) answers(ctx context.Context) bool {
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	_, err := f.js.AccountInfo(ctx)
	return err == nil
}
