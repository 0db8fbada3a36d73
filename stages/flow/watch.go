package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// WatchOptions tune Watch.
type WatchOptions struct {
	Since    time.Time // leaves out what was stored before; zero: nothing
	CaughtUp func()    // called once, when all that was kept has been seen; may be nil
}

// Watch hands fn all messages that a stream keeps on subject, which may have
// wildcards, and those that come after, one at a time and in the order in which
// they were stored. It returns nil when ctx ends, and the error of fn when that
// returns one.
//
// It goes on where it was when the server comes back. If the server has lost
// its storage, the messages of the new stream follow those of the old one.
func (f *Flow) Watch(ctx context.Context, subject string, o WatchOptions, fn func(Delivery) error) error {
	w := &watcher{flow: f, subject: subject, since: o.Since, caughtUp: o.CaughtUp, fn: fn}
	var err error
	if w.stream, err = streamOf(subject); err != nil {
		return fmt.Errorf("watching %s: %w", subject, err)
	}
	var pause backoff
	for {
		before := w.last
		err := w.session(ctx)
		switch {
		case w.stopped != nil:
			return w.stopped
		case ctx.Err() != nil:
			return nil
		case !temporary(err):
			return fmt.Errorf("watching %s: %w", subject, err)
		case w.last != before:
			pause = backoff{}
		}
		f.log.Debug("watching, will try again", "subject", subject, "err", err)
		_ = pause.sleep(ctx) // The next session looks at ctx.
	}
}

// streamOf names the stream that keeps a subject, which may have wildcards.
func streamOf(subject string) (string, error) {
	first, _, _ := strings.Cut(subject, ".")
	for _, s := range schemas.Streams(0) {
		if strings.HasPrefix(s.Subjects[0], first+".") {
			return s.Name, nil
		}
	}
	return "", errors.New("no stream has such a subject")
}

type watcher struct {
	flow     *Flow
	stream   string
	subject  string
	since    time.Time
	caughtUp func()
	fn       func(Delivery) error
	stopped  error // what fn returned

	created time.Time // of the stream that last counts in
	last    uint64    // sequence number of the message seen last
}

// errGap ends a session that has missed a message. It is temporary.
var errGap = errors.New("missed a message on the way")

// session watches until the connection has been made anew or a message is
// missed.
func (w *watcher) session(ctx context.Context) error {
	connection := w.flow.connection(w.flow.nc)
	consumer, err := w.consumer(ctx)
	if err != nil {
		return err
	}
	if consumer.CachedInfo().NumPending == 0 {
		w.catchUp()
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(64),
		jetstream.PullExpiry(10*time.Second),
		jetstream.PullHeartbeat(2*time.Second),
	)
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(connection, messages.Stop)()
	for want := uint64(1); ; want++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != want {
			return errGap
		}
		if w.stopped = w.fn(newDelivery(msg, meta)); w.stopped != nil {
			return w.stopped
		}
		w.last = meta.Sequence.Stream
		if meta.NumPending == 0 {
			w.catchUp()
		}
	}
}

// consumer creates one that begins after the last message seen. The server
// forgets it soon after the session.
func (w *watcher) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := w.flow.attempt(ctx)
	defer cancel()
	stream, err := w.flow.js.Stream(ctx, w.stream)
	if missing(err) {
		if err = w.flow.Ensure(ctx); err == nil {
			stream, err = w.flow.js.Stream(ctx, w.stream)
		}
	}
	if err != nil {
		return nil, err
	}
	if info := stream.CachedInfo(); !info.Created.Equal(w.created) || info.State.LastSeq < w.last {
		w.created, w.last = info.Created, 0 // Another stream of that name counts from 1 again.
	}
	cfg := jetstream.ConsumerConfig{
		FilterSubject:     w.subject,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		InactiveThreshold: time.Minute,
	}
	switch {
	case w.last > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, w.last+1
	case !w.since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &w.since
	}
	return stream.CreateConsumer(ctx, cfg)
}

func (w *watcher) catchUp() {
	if w.caughtUp != nil {
		w.caughtUp()
		w.caughtUp = nil
	}
}
