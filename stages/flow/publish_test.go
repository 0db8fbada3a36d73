package flow_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

func TestConnectRefuses(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	start := func(maxPayload int32) []nats.Option {
		s, err := server.NewServer(&server.Options{DontListen: true, NoLog: true, NoSigs: true, MaxPayload: maxPayload})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(s.Shutdown)
		return []nats.Option{nats.InProcessServer(s)}
	}

	for _, tc := range []struct {
		name string
		cfg  flow.Config
		want []string
	}{
		{"nobody there", flow.Config{URL: "nats://" + closed.Addr().String()}, []string{closed.Addr().String(), "running"}},
		{"no answer", flow.Config{URL: "nats://" + silent.Addr().String()}, []string{silent.Addr().String(), "running"}},
		{"no address", flow.Config{URL: "nats://a b"}, []string{"a b"}},
		{"a password", flow.Config{URL: "nats://user:secret@" + closed.Addr().String()}, []string{"user:xxxxx@"}},
		{"no JetStream", flow.Config{Options: start(schemas.MaxPayload)}, []string{"-js"}},
		{"small messages only", flow.Config{Options: start(1 << 20)}, []string{"1048576", "max_payload"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, err := flow.Connect(t.Context(), tc.cfg)
			if err == nil {
				f.Close()
				t.Fatal("have no error, want one")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have %q, want it to say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("have %q, want no password in it", err)
			}
		})
	}
}

func TestEnsureAtOnce(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			f, err := flow.Connect(t.Context(), flow.Config{Options: []nats.Option{nats.InProcessServer(srv)}})
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for range 3 {
				if err := f.Ensure(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	js := srv.JetStream(t)
	for _, want := range schemas.Streams(0) {
		s, err := js.Stream(t.Context(), want.Name)
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
			continue
		}
		if have := s.CachedInfo().Config.MaxBytes; have != want.MaxBytes {
			t.Errorf("%s: have %d bytes, want %d", want.Name, have, want.MaxBytes)
		}
	}
}

// A server without the room for the streams is an error that says so.
func TestEnsureRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		tune func(*server.Options)
		want string
	}{
		{"no storage", func(o *server.Options) { o.JetStreamMaxStore = 1 << 20 }, "disk"},
		{"no memory", func(o *server.Options) { o.JetStreamMaxMemory = 1 << 20 }, "max_memory_store"},
	} {
		f, err := flow.Connect(t.Context(), flow.Config{Options: []nats.Option{nats.InProcessServer(flowtest.Start(t, tc.tune))}})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: have %v, want an error that says %q", tc.name, err, tc.want)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	header := nats.Header{schemas.TypeHeader: {"metric.v1"}}
	for _, tc := range []struct {
		name string
		size int
	}{
		{"more than the stream takes", 2 << 20},
		{"more than the server takes", 9 << 20},
	} {
		err := f.PublishMsg(t.Context(), &nats.Msg{Subject: "metrics.r", Header: header, Data: make([]byte, tc.size)})
		if !errors.Is(err, flow.ErrTooLarge) {
			t.Errorf("%s: have %v, want %v", tc.name, err, flow.ErrTooLarge)
		}
	}
	if err := f.Publish(t.Context(), schemas.Split{}); !errors.Is(err, schemas.ErrInvalid) {
		t.Errorf("invalid message: have %v, want %v", err, schemas.ErrInvalid)
	}
	f.Close()
	if err := f.Publish(t.Context(), split(1)); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("after Close: have %v, want %v", err, nats.ErrConnectionClosed)
	}
	if err := f.Work(t.Context(), schemas.SplitsStream, schemas.SplitsConsumer(), flow.WorkOptions{}, nil); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("after Close: have %v, want %v", err, nats.ErrConnectionClosed)
	}
	if err := f.Watch(t.Context(), "metrics.r", flow.WatchOptions{}, nil); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("after Close: have %v, want %v", err, nats.ErrConnectionClosed)
	}
}

// update changes the configuration of SPLITS.
func update(t *testing.T, js jetstream.JetStream, change func(*jetstream.StreamConfig)) {
	t.Helper()
	s, err := js.Stream(t.Context(), schemas.SplitsStream)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	change(&cfg)
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

// A full stream holds publishers up until there is room, and loses nothing.
func TestPublishWaitsForRoom(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	update(t, js, func(c *jetstream.StreamConfig) { c.MaxBytes = 1000 })
	const splits = 20
	var publishing sync.WaitGroup
	for i := range splits {
		publishing.Go(func() {
			if err := f.Publish(context.Background(), split(i)); err != nil {
				t.Error(err)
			}
		})
	}
	flowtest.Eventually(t, "a full stream", func() bool { return queued(js) > 1 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := f.Publish(ctx, split(splits)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "maximum bytes") {
		t.Errorf("publishing to a full stream: have %v, want it to end with its context and say why", err)
	}
	var seen indices
	work(t, f, flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error { return seen.add(d) })
	publishing.Wait()
	flowtest.Eventually(t, "all splits", func() bool { return len(seen.sorted()) == splits })
}

// A burst that is more than the server buffers is published nevertheless.
func TestPublishSlowsDown(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t, func(o *server.Options) { o.StreamMaxBufferedMsgs = 2 })
	f, js := srv.Connect(t), srv.JetStream(t)
	const splits = 200
	var publishing sync.WaitGroup
	for i := range splits {
		publishing.Go(func() {
			if err := f.Publish(context.Background(), split(i)); err != nil {
				t.Error(err)
			}
		})
	}
	publishing.Wait()
	if have := queued(js); have != splits {
		t.Errorf("splits queued: have %d, want %d", have, splits)
	}
}

// A server whose disk is full takes messages and says nothing.
func TestPublishNoticesSilence(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	update(t, js, func(c *jetstream.StreamConfig) { c.NoAck = true })
	f.SetPatience(100 * time.Millisecond)
	if err := f.Publish(t.Context(), split(1)); !errors.Is(err, flow.ErrNotStored) {
		t.Errorf("have %v, want %v", err, flow.ErrNotStored)
	}
}

// TestRetract: the splits of the run go, another run's stay.
func TestRetract(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	other := split(3)
	other.Run = "other"
	publish(t, f, split(1), split(2), other)
	if err := f.Retract(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if have := queued(js); have != 1 {
		t.Errorf("splits queued: have %d, want 1, of the other run", have)
	}
	publish(t, f, split(1))
	if have := queued(js); have != 2 {
		t.Errorf("splits queued: have %d, want another 1", have)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	other := split(2)
	other.Run = "other"
	publish(t, f, split(1), other)
	if _, err := js.CreateConsumer(t.Context(), schemas.SamplesStream, schemas.SamplesConsumer("r")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing
		if err := f.Purge(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
	}
	if have := queued(js); have != 1 {
		t.Errorf("splits queued: have %d, want 1, of the other run", have)
	}
	_, err := js.Consumer(t.Context(), schemas.SamplesStream, schemas.SamplesConsumer("r").Durable)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("consumer: have %v, want %v", err, jetstream.ErrConsumerNotFound)
	}
}
