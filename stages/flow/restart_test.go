package flow_test

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// Work goes on after the server or parts of it were gone.
func TestWorkSurvives(t *testing.T) {
	for _, tc := range []struct {
		name string
		ruin func(t *testing.T, srv *flowtest.Server, js jetstream.JetStream)
	}{
		{"restart with storage", func(_ *testing.T, srv *flowtest.Server, _ jetstream.JetStream) {
			srv.Stop()
			srv.Start()
		}},
		{"restart without storage", func(_ *testing.T, srv *flowtest.Server, _ jetstream.JetStream) {
			srv.Stop()
			srv.Wipe()
			srv.Start()
		}},
		{"stream deleted", func(t *testing.T, _ *flowtest.Server, js jetstream.JetStream) {
			if err := js.DeleteStream(t.Context(), schemas.SplitsStream); err != nil {
				t.Fatal(err)
			}
		}},
		{"consumer deleted", func(t *testing.T, _ *flowtest.Server, js jetstream.JetStream) {
			if err := js.DeleteConsumer(t.Context(), schemas.SplitsStream, schemas.SplitsConsumer().Durable); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := flowtest.Start(t)
			f, js := srv.Connect(t), srv.JetStream(t)
			var seen indices
			work(t, f, flow.WorkOptions{Workers: 2}, func(_ context.Context, d flow.Delivery) error { return seen.add(d) })
			publish(t, f, split(1))
			flowtest.Eventually(t, "the first split", func() bool { return slices.Equal(seen.sorted(), []int{1}) })
			tc.ruin(t, srv, js)
			publish(t, f, split(2), split(3))
			flowtest.Eventually(t, "more splits", func() bool { return slices.Equal(seen.sorted(), []int{1, 2, 3}) })
			flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
		})
	}
}

// A handler is at work while the server restarts. With its storage, the message
// is done once the handler is; without, the handler must not settle the other
// message that has the same number by then.
func TestWorkSettlesAfterRestart(t *testing.T) {
	for _, tc := range []struct {
		name string
		wipe bool
	}{{"with storage", false}, {"without storage", true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := flowtest.Start(t)
			f, js := srv.Connect(t), srv.JetStream(t)
			publish(t, f, split(1))
			begun, finish := make(chan struct{}), make(chan struct{})
			var calls atomic.Int32
			stop := work(t, f, flow.WorkOptions{}, func(context.Context, flow.Delivery) error {
				if calls.Add(1) == 1 {
					close(begun)
				}
				<-finish
				return nil
			})
			<-begun
			srv.Stop()
			if tc.wipe {
				srv.Wipe()
			}
			srv.Start()
			if !tc.wipe {
				close(finish)
				flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
				if have := calls.Load(); have != 1 {
					t.Errorf("calls: have %d, want 1", have)
				}
				return
			}
			// Another process has the message that is first now, and does not
			// settle it.
			publish(t, f, split(2))
			other, err := js.CreateOrUpdateConsumer(t.Context(), schemas.SplitsStream, schemas.SplitsConsumer())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.Next(); err != nil {
				t.Fatal(err)
			}
			close(finish)
			stop()
			if have := queued(js); have != 1 {
				t.Errorf("splits queued: have %d, want 1, as nobody has handled it", have)
			}
		})
	}
}

// What is published while the server is away arrives when it is back.
func TestPublishSurvives(t *testing.T) {
	for _, tc := range []struct {
		name string
		wipe bool
	}{{"with storage", false}, {"without storage", true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := flowtest.Start(t)
			f, js := srv.Connect(t), srv.JetStream(t)
			srv.Stop()
			var publishing sync.WaitGroup
			for i := range 5 {
				publishing.Go(func() {
					if err := f.Publish(context.Background(), split(i)); err != nil {
						t.Error(err)
					}
				})
			}
			if tc.wipe {
				srv.Wipe()
			}
			srv.Start()
			publishing.Wait()
			var seen indices
			work(t, f, flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error { return seen.add(d) })
			flowtest.Eventually(t, "an empty queue", func() bool { return queued(js) == 0 })
			if have, want := seen.sorted(), []int{0, 1, 2, 3, 4}; !slices.Equal(have, want) {
				t.Errorf("splits: have %v, want %v", have, want)
			}
		})
	}
}

// clients counts the goroutines of flow and of NATS clients.
func clients() int {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for g := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(g, []byte("nats-io/nats%2ego")) || bytes.Contains(g, []byte("selfstream/stages/flow.")) {
			n++
		}
	}
	return n
}

func TestNothingIsLeftRunning(t *testing.T) {
	srv := flowtest.Start(t)
	for range 3 {
		f, err := flow.Connect(t.Context(), flow.Config{Options: []nats.Option{nats.InProcessServer(srv)}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		var seen indices
		running.Go(func() {
			err := f.Work(ctx, schemas.SplitsStream, schemas.SplitsConsumer(), flow.WorkOptions{Workers: 4},
				func(_ context.Context, d flow.Delivery) error { return seen.add(d) })
			if err != nil {
				t.Error(err)
			}
		})
		caughtUp := make(chan struct{})
		running.Go(func() {
			err := f.Watch(ctx, "metrics.*", flow.WatchOptions{CaughtUp: func() { close(caughtUp) }},
				func(flow.Delivery) error { return nil })
			if err != nil {
				t.Error(err)
			}
		})
		publish(t, f, split(1))
		flowtest.Eventually(t, "the split", func() bool { return len(seen.sorted()) == 1 })
		<-caughtUp
		if clients() == 0 {
			t.Error("goroutines while working: have none")
		}
		cancel()
		running.Wait()
		f.Close()
	}
	flowtest.Eventually(t, "no goroutines", func() bool { return clients() == 0 })
}
