package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// split is the index-th split of a run "r".
func split(index int) schemas.Split {
	return schemas.Split{
		Run: "r", Index: index,
		Recipe: schemas.Recipe{Views: []schemas.View{{Size: 8, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}}}},
		Images: []schemas.Image{{Key: "a.jpg", Label: -1}},
	}
}

func publish(t *testing.T, f *flow.Flow, messages ...schemas.Message) {
	t.Helper()
	for _, m := range messages {
		if err := f.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// work runs Work on SPLITS until the test ends or stop is called, which waits.
func work(t *testing.T, f *flow.Flow, o flow.WorkOptions, handle func(context.Context, flow.Delivery) error) (stop func()) {
	t.Helper()
	return workOn(t, f, schemas.SplitsConsumer(), o, handle)
}

func workOn(t *testing.T, f *flow.Flow, consumer jetstream.ConsumerConfig, o flow.WorkOptions, handle func(context.Context, flow.Delivery) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		if err := f.Work(ctx, schemas.SplitsStream, consumer, o, handle); err != nil {
			t.Errorf("Work: have error %v, want none", err)
		}
	})
	stop = func() { cancel(); working.Wait() }
	t.Cleanup(stop)
	return stop
}

// queued is how many splits the server holds; −1 if it does not say.
func queued(js jetstream.JetStream) int {
	s, err := js.Stream(context.Background(), schemas.SplitsStream)
	if err != nil {
		return -1
	}
	return int(s.CachedInfo().State.Msgs)
}

// indices collects the splits that a handler sees.
type indices struct {
	mu   sync.Mutex
	seen []int
}

func (x *indices) add(d flow.Delivery) error {
	s, err := flow.Decode[schemas.Split](d)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seen = append(x.seen, s.Index)
	return nil
}

// sorted are the different indices seen.
func (x *indices) sorted() []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := slices.Clone(x.seen)
	slices.Sort(s)
	return slices.Compact(s)
}

func TestWorkSettles(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		name    string
		handle  func(call int) error
		calls   int32 // until the queue is empty
		dropped int32
	}{
		{"success", func(int) error { return nil }, 1, 0},
		{"failure, then success", func(call int) error {
			if call < 3 {
				return boom
			}
			return nil
		}, 3, 0},
		{"later, then success", func(call int) error {
			if call < 3 {
				return fmt.Errorf("handling: %w", flow.Later(time.Millisecond, boom))
			}
			return nil
		}, 3, 0},
		{"failure for good", func(int) error { return fmt.Errorf("handling: %w", flow.Permanent(boom)) }, 1, 1},
		{"panic, then success", func(call int) error {
			if call < 2 {
				panic("ouch")
			}
			return nil
		}, 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := flowtest.Start(t)
			f, js := srv.Connect(t), srv.JetStream(t)
			publish(t, f, split(7))
			var calls, dropped atomic.Int32
			work(t, f, flow.WorkOptions{Dropped: func(_ flow.Delivery, err error) {
				if !errors.Is(err, boom) {
					t.Errorf("dropped: have %v, want %v", err, boom)
				}
				dropped.Add(1)
			}}, func(_ context.Context, d flow.Delivery) error {
				n := int(calls.Add(1))
				if d.Redelivered != n-1 {
					t.Errorf("call %d: have %d redeliveries, want %d", n, d.Redelivered, n-1)
				}
				return tc.handle(n)
			})
			flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
			if have := calls.Load(); have != tc.calls {
				t.Errorf("calls: have %d, want %d", have, tc.calls)
			}
			if have := dropped.Load(); have != tc.dropped {
				t.Errorf("dropped: have %d, want %d", have, tc.dropped)
			}
		})
	}
}

// Whatever arrives, the messages that are right are handled.
func TestWorkDropsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	typed := func(typ, body string) *nats.Msg {
		return &nats.Msg{Subject: "splits.r", Header: nats.Header{schemas.TypeHeader: {typ}}, Data: []byte(body)}
	}
	bad := []*nats.Msg{
		{Subject: "splits.r"},
		{Subject: "splits.r", Data: []byte("hello")},
		typed("reject.v1", `{"run":"r","id":1,"key":"k","reason":"x"}`),
		typed("split.v1", `{"run":"r"`),
		typed("split.v1", `{"run":"r"}`),
		typed("split.v1", "\x00\xff\nNATS/1.0\r\n"),
	}
	for _, msg := range bad {
		if err := f.PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, f, split(1))
	var good indices
	var dropped atomic.Int32
	work(t, f, flow.WorkOptions{Dropped: func(_ flow.Delivery, err error) {
		if !errors.Is(err, schemas.ErrType) && !strings.Contains(err.Error(), "decoding") {
			t.Errorf("dropped: have %v, want an error of decoding", err)
		}
		dropped.Add(1)
	}}, func(_ context.Context, d flow.Delivery) error { return good.add(d) })
	flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
	if have := int(dropped.Load()); have != len(bad) {
		t.Errorf("dropped: have %d, want %d", have, len(bad))
	}
	if have, want := good.sorted(), []int{1}; !slices.Equal(have, want) {
		t.Errorf("handled: have %v, want %v", have, want)
	}
}

// The server is told while a handler works, and AckWait does not run out.
func TestWorkOutlastsAckWait(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	consumer := schemas.SplitsConsumer()
	consumer.AckWait = 1500 * time.Millisecond
	var progress atomic.Int32
	sub, err := js.Conn().Subscribe("$JS.ACK.>", func(m *nats.Msg) {
		if string(m.Data) == "+WPI" {
			progress.Add(1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	publish(t, f, split(1))
	var calls atomic.Int32
	workOn(t, f, consumer, flow.WorkOptions{Workers: 2}, func(context.Context, flow.Delivery) error {
		calls.Add(1)
		flowtest.Eventually(t, "more than AckWait", func() bool { return progress.Load() >= 5 })
		return nil
	})
	flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
	if have := calls.Load(); have != 1 {
		t.Errorf("calls: have %d, want 1", have)
	}
}

// No more messages leave the server than there are workers.
func TestWorkPullsWhatItCanHandle(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	for i := range 20 {
		publish(t, f, split(i))
	}
	const workers = 3
	var busy, most atomic.Int32
	release := make(chan struct{})
	work(t, f, flow.WorkOptions{Workers: workers}, func(context.Context, flow.Delivery) error {
		most.Store(max(most.Load(), busy.Add(1)))
		<-release
		busy.Add(-1)
		return nil
	})
	flowtest.Eventually(t, "busy workers", func() bool { return busy.Load() == workers })
	c, err := js.Consumer(t.Context(), schemas.SplitsStream, schemas.SplitsConsumer().Durable)
	if err != nil {
		t.Fatal(err)
	}
	if have := c.CachedInfo().NumAckPending; have != workers {
		t.Errorf("messages out: have %d, want %d", have, workers)
	}
	if have := c.CachedInfo().NumWaiting; have != 0 {
		t.Errorf("pulls waiting: have %d, want 0", have)
	}
	close(release)
	flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
	if have := most.Load(); have != workers {
		t.Errorf("busy at once: have %d, want %d", have, workers)
	}
}

// A worker that is told to stop hands its message back, and another one has it
// long before AckWait.
func TestWorkStops(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	publish(t, f, split(1))
	begun := make(chan struct{})
	stop := work(t, f, flow.WorkOptions{}, func(ctx context.Context, _ flow.Delivery) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	<-begun
	stop()
	start := time.Now()
	var second indices
	work(t, srv.Connect(t), flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error { return second.add(d) })
	flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
	if have, want := second.sorted(), []int{1}; !slices.Equal(have, want) {
		t.Errorf("handled: have %v, want %v", have, want)
	}
	if have, most := time.Since(start), schemas.SplitsConsumer().AckWait/2; have > most {
		t.Errorf("handing over took %v, want less than %v", have, most)
	}
}

// What a handler finishes after it was told to stop is done.
func TestWorkFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	publish(t, f, split(1))
	begun := make(chan struct{})
	stop := work(t, f, flow.WorkOptions{}, func(ctx context.Context, _ flow.Delivery) error {
		close(begun)
		<-ctx.Done()
		return nil
	})
	<-begun
	stop()
	flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
}

// Work is refused where waiting cannot help.
func TestWorkRefuses(t *testing.T) {
	t.Parallel()
	f := flowtest.Start(t).Connect(t)
	consumer := schemas.SplitsConsumer()
	consumer.AckPolicy = jetstream.AckAllPolicy // which a work queue does not take
	err := f.Work(t.Context(), schemas.SplitsStream, consumer, flow.WorkOptions{Workers: 2}, nil)
	if err == nil || !strings.Contains(err.Error(), "SPLITS") {
		t.Errorf("have %v, want an error that names SPLITS", err)
	}
}

// BenchmarkSamples sends messages of a mebibyte through SAMPLES, eight on their
// way at once.
func BenchmarkSamples(b *testing.B) {
	srv := flowtest.Start(b)
	f := srv.Connect(b)
	const size = 1 << 20
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	window := make(chan struct{}, 8)
	var working sync.WaitGroup
	working.Go(func() {
		err := f.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer("r"), flow.WorkOptions{},
			func(context.Context, flow.Delivery) error { <-window; return nil })
		if err != nil {
			b.Error(err)
		}
	})
	subject, body := schemas.Samples{Run: "r"}.Subject(), make([]byte, size)
	b.SetBytes(size)
	var publishing sync.WaitGroup
	for b.Loop() {
		window <- struct{}{}
		publishing.Go(func() {
			if err := f.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: body}); err != nil {
				b.Error(err)
			}
		})
	}
	publishing.Wait()
	for range cap(window) { // until the last is handled
		window <- struct{}{}
	}
	cancel()
	working.Wait()
}
