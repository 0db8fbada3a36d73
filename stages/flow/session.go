package flow

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A session is the time during which a consumer is known to be the same: until
// the connection has been made anew, or pulling from the consumer failed.
//
// It exists because of a trap. An acknowledgement names a message by consumer
// and sequence number. If the server lost its storage while a handler was at
// work, both exist again, and the acknowledgement would remove another message
// that nobody has handled. So outside of its session a message is settled only
// after a look at whether the consumer is still the one that delivered it.
type session struct {
	worker   *worker
	consumer jetstream.Consumer
	info     *jetstream.ConsumerInfo

	life context.Context
	end  context.CancelFunc
}

// deliver has msg handled and settles it.
func (s *session) deliver(ctx context.Context, msg jetstream.Msg) {
	log := s.worker.flow.log
	meta, err := msg.Metadata()
	if err != nil {
		log.Warn("pulling what is no delivery", "subject", msg.Subject(), "err", err)
		return
	}
	d := newDelivery(msg, meta)
	if d.Redelivered > 0 {
		s.worker.flow.counters.redelivered.Add(1)
	}
	if err = ctx.Err(); err == nil {
		rest := s.keep(ctx, msg)
		err = s.worker.call(ctx, d)
		rest()
	}
	settle := msg.Ack
	var later *laterError
	switch {
	case err == nil:
	case isPermanent(err):
		log.Error("giving up a message", "subject", d.Subject, "sequence", d.Sequence, "err", err)
		settle = func() error { return msg.TermWithReason(reason(err)) }
		if s.worker.dropped != nil {
			s.worker.dropped(d, err)
		}
	case ctx.Err() != nil:
		settle = msg.Nak
	case errors.As(err, &later):
		log.Debug("leaving a message for later", "subject", d.Subject, "sequence", d.Sequence, "delay", later.wait, "err", err)
		settle = func() error { return msg.NakWithDelay(later.wait) }
	default:
		delay := retryDelay(d.Redelivered)
		log.Warn("handling failed, will come again", "subject", d.Subject, "sequence", d.Sequence, "delay", delay, "err", err)
		settle = func() error { return msg.NakWithDelay(delay) }
	}
	if err := s.settle(ctx, settle); err != nil {
		log.Warn("settling, will come again", "subject", d.Subject, "sequence", d.Sequence, "err", err)
	}
}

// lastWords is how long settling may take once a worker has been told to stop.
const lastWords = 2 * time.Second

// settle sends the outcome of a message if its consumer still exists. It tries
// again while the server is away, for as long as the server would wait.
func (s *session) settle(ctx context.Context, send func() error) error {
	patience := s.info.Config.AckWait
	if ctx.Err() != nil {
		ctx, patience = context.WithoutCancel(ctx), lastWords
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var pause backoff
	for {
		exists, err := s.exists(ctx)
		if err == nil && exists {
			err = send()
		}
		if err == nil || !temporary(err) || pause.sleep(ctx) != nil {
			return err
		}
	}
}

// exists tells whether the consumer of s is still there, and not another one
// by its name.
func (s *session) exists(ctx context.Context) (bool, error) {
	if s.life.Err() == nil {
		return true, nil
	}
	ctx, cancel := s.worker.flow.attempt(ctx)
	defer cancel()
	c, err := s.worker.flow.js.Consumer(ctx, s.worker.stream, s.info.Name)
	if notFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return c.CachedInfo().Created.Equal(s.info.Created), nil
}

// keep tells the server that msg is being worked on until rest is called, also
// by a handler that takes its time when ctx has ended.
func (s *session) keep(ctx context.Context, msg jetstream.Msg) (rest func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var telling sync.WaitGroup
	telling.Go(func() {
		tick := time.NewTicker(s.info.Config.AckWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if exists, err := s.exists(ctx); err == nil && exists {
					_ = msg.InProgress() // The next tick is the retry.
				}
			}
		}
	})
	return func() { cancel(); telling.Wait() }
}

// retryDelay spaces deliveries of a message that fails: long enough not to
// spin, and short enough that work goes on soon after an outage.
func retryDelay(redelivered int) time.Duration {
	return 250 * time.Millisecond << min(max(0, redelivered), 4)
}

// reason fits an error into the server's protocol, which has a line for it.
func reason(err error) string {
	r := strings.Join(strings.Fields(err.Error()), " ")
	return r[:min(len(r), 256)]
}
