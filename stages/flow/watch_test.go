package flow_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

func metric(run string, step int) schemas.Metric {
	return schemas.Metric{Run: run, Step: step, Steps: 1000}
}

// watched collects the steps that a watcher sees, and −1 for catching up.
type watched struct {
	mu    sync.Mutex
	steps []int
}

func (w *watched) add(step int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, step)
}

func (w *watched) has(steps ...int) func() bool {
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Equal(w.steps, steps)
	}
}

// watch runs Watch until the test ends.
func watch(t *testing.T, f *flow.Flow, subject string, o flow.WatchOptions) *watched {
	t.Helper()
	var w watched
	o.CaughtUp = func() { w.add(-1) }
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		err := f.Watch(ctx, subject, o, func(d flow.Delivery) error {
			m, err := flow.Decode[schemas.Metric](d)
			w.add(m.Step)
			return err
		})
		if err != nil {
			t.Errorf("Watch: have error %v, want none", err)
		}
	})
	t.Cleanup(func() { cancel(); watching.Wait() })
	return &w
}

func TestWatch(t *testing.T) {
	t.Parallel()
	f := flowtest.Start(t).Connect(t)
	none := watch(t, f, "metrics.r", flow.WatchOptions{})
	flowtest.Eventually(t, "nothing to catch up with", none.has(-1))

	publish(t, f, metric("r", 1), metric("other", 2), metric("r", 3))
	flowtest.Eventually(t, "what is new", none.has(-1, 1, 3))
	flowtest.Eventually(t, "one run", watch(t, f, "metrics.r", flow.WatchOptions{}).has(1, 3, -1))
	all := watch(t, f, "metrics.*", flow.WatchOptions{})
	flowtest.Eventually(t, "all runs", all.has(1, 2, 3, -1))
	since := watch(t, f, "metrics.*", flow.WatchOptions{Since: time.Now().Add(time.Hour)})
	flowtest.Eventually(t, "nothing recent", since.has(-1))

	publish(t, f, metric("r", 4))
	flowtest.Eventually(t, "what came after", all.has(1, 2, 3, -1, 4))
}

// The order holds for many messages, over several pulls.
func TestWatchOrder(t *testing.T) {
	t.Parallel()
	f := flowtest.Start(t).Connect(t)
	var want []int
	for i := range 300 {
		publish(t, f, metric("r", i))
		want = append(want, i)
	}
	flowtest.Eventually(t, "all in order", watch(t, f, "metrics.r", flow.WatchOptions{}).has(append(want, -1)...))
}

func TestWatchSurvives(t *testing.T) {
	for _, tc := range []struct {
		name string
		ruin func(t *testing.T, srv *flowtest.Server)
	}{
		{"restart with storage", func(_ *testing.T, srv *flowtest.Server) {
			srv.Stop()
			srv.Start()
		}},
		{"restart without storage", func(_ *testing.T, srv *flowtest.Server) {
			srv.Stop()
			srv.Wipe()
			srv.Start()
		}},
		{"stream deleted", func(t *testing.T, srv *flowtest.Server) {
			if err := srv.JetStream(t).DeleteStream(t.Context(), schemas.MetricsStream); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := flowtest.Start(t)
			f := srv.Connect(t)
			publish(t, f, metric("r", 1), metric("r", 2), metric("r", 3))
			w := watch(t, f, "metrics.r", flow.WatchOptions{})
			flowtest.Eventually(t, "what was kept", w.has(1, 2, 3, -1))
			tc.ruin(t, srv)
			publish(t, f, metric("r", 4), metric("r", 5))
			flowtest.Eventually(t, "what came after", w.has(1, 2, 3, -1, 4, 5))
		})
	}
}

func TestWatchStops(t *testing.T) {
	t.Parallel()
	f := flowtest.Start(t).Connect(t)
	publish(t, f, metric("r", 1), metric("r", 2))
	enough := errors.New("enough")
	err := f.Watch(t.Context(), "metrics.r", flow.WatchOptions{}, func(flow.Delivery) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("have %v, want %v", err, enough)
	}
	if err := f.Watch(t.Context(), "nonsense.r", flow.WatchOptions{}, nil); err == nil {
		t.Error("watching what no stream keeps: have no error, want one")
	}
}
