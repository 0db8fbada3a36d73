package flow_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// TestCounts: a message that fails once, and a server that goes away for the
// time of one message, each leave their trace.
func TestCounts(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	var seen indices
	work(t, f, flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error {
		if d.Redelivered == 0 && d.Sequence == 1 {
			return errors.New("not now")
		}
		return seen.add(d)
	})
	publish(t, f, split(1))
	flowtest.Eventually(t, "the split again", func() bool { return len(seen.sorted()) == 1 })
	if have, want := f.Counts(), (flow.Counts{Published: 1, Redelivered: 1}); have != want {
		t.Errorf("have %+v, want %+v", have, want)
	}
	if err := f.Health(); err != nil {
		t.Errorf("have %v, want no error", err)
	}

	srv.Stop()
	flowtest.Eventually(t, "a bad health", func() bool { return f.Health() != nil })
	if err := f.Health(); !strings.Contains(err.Error(), "NATS is ") {
		t.Errorf("have %v, want it to name NATS", err)
	}
	published := make(chan error)
	go func() { published <- f.Publish(context.Background(), split(2)) }()
	flowtest.Eventually(t, "a second attempt", func() bool { return f.Counts().Retried > 0 })
	srv.Start()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	if c := f.Counts(); c.Published != 2 || c.Reconnects != 1 {
		t.Errorf("have %+v, want 2 published and 1 reconnection", c)
	}
	if err := f.Health(); err != nil {
		t.Errorf("have %v, want no error", err)
	}
	if problems, err := testutil.CollectAndLint(f.Metrics()); err != nil || len(problems) > 0 {
		t.Errorf("have %v, %v", problems, err)
	}
}
