package flow

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// Handler does the work that one message asks for. The same message may come
// twice, also at the same time.
type Handler func(ctx context.Context, d Delivery) error

// WorkOptions tune Work.
type WorkOptions struct {
	Workers int                   // handlers at work at once; 0 is 1
	Dropped func(Delivery, error) // told of each message that is given up, from any goroutine; may be nil
}

// Work pulls messages from a stream's consumer, which it creates if need be,
// and has them handled until ctx ends; then it waits for the handlers at work
// and returns nil. What a handler returns decides about its message:
//
//	nil               Ack: it is done
//	Permanent         Term: it is given up; the log and Dropped are told
//	Later             Nak with that delay
//	another error     Nak with a delay: it comes again after 0.25 to 4 s
//	a panic           as another error; the log has the stack
//	any, ctx ended    Nak: it comes again at once, here or elsewhere
//	(process killed)  it comes again after the consumer's AckWait
//
// While a handler works, the server is told so three times per AckWait.
//
// A message is pulled only when a worker is free. So slow processes leave the
// work to faster ones, and there are never more than Workers messages in
// memory, each of at most MaxPayload bytes.
//
// Work survives the server: when that comes back, or the stream or consumer is
// gone, both are made again. An error is returned only where waiting cannot
// help, such as for a consumer that the server refuses.
func (f *Flow) Work(ctx context.Context, stream string, consumer jetstream.ConsumerConfig, o WorkOptions, handle Handler) error {
	w := &worker{flow: f, stream: stream, config: consumer, handle: handle, dropped: o.Dropped}
	g, ctx := errgroup.WithContext(ctx)
	for range max(1, o.Workers) {
		g.Go(func() error { return w.loop(ctx) })
	}
	err := g.Wait()
	w.close()
	if err != nil {
		return fmt.Errorf("working on %s: %w", stream, err)
	}
	return nil
}

type worker struct {
	flow    *Flow
	stream  string
	config  jetstream.ConsumerConfig
	handle  Handler
	dropped func(Delivery, error)

	mu      sync.Mutex
	current *session
}

// loop handles one message after the other until ctx ends.
func (w *worker) loop(ctx context.Context) error {
	var pause backoff
	for ctx.Err() == nil {
		err := w.next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			pause = backoff{}
		case !temporary(err):
			return err
		default:
			if errors.Is(err, ErrNoStream) {
				w.flow.waited.Do(func() { w.flow.log.Info("waiting for a trainer, which makes the queue when it starts") })
			}
			w.flow.log.Debug("pulling, will try again", "stream", w.stream, "err", err)
			_ = pause.sleep(ctx) // The loop looks at ctx.
		}
	}
	return nil
}

// next waits for one message and has it handled. It returns nil also if none
// came for long.
func (w *worker) next(ctx context.Context) error {
	s, err := w.session(ctx)
	if err != nil {
		return err
	}
	pull, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	batch, err := s.consumer.Fetch(1, jetstream.FetchContext(pull))
	if err != nil {
		s.end()
		return err
	}
	for msg := range batch.Messages() {
		s.deliver(ctx, msg)
	}
	if err := batch.Error(); err != nil {
		s.end()
		return err
	}
	return nil
}

// session returns the session that all loops share, or begins a new one if
// that has ended.
func (w *worker) session(ctx context.Context) (*session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current != nil && w.current.life.Err() == nil {
		return w.current, nil
	}
	connection := w.flow.connection(w.flow.nc) // before asking, so that a reconnection in between ends the session
	consumer, err := w.flow.consumer(ctx, w.stream, w.config)
	if err != nil {
		return nil, err
	}
	s := &session{worker: w, consumer: consumer, info: consumer.CachedInfo()}
	s.life, s.end = context.WithCancel(connection)
	w.current = s
	return s, nil
}

func (w *worker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current != nil {
		w.current.end()
	}
}

// call runs the handler and turns a panic into an error: one bad message must
// not take down, one after the other, all processes that meet it.
func (w *worker) call(ctx context.Context, d Delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.flow.log.Error("handling panicked", "subject", d.Subject, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.handle(ctx, d)
}
