package flow_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// TestStored: it tells of what waits and of what is being handled, and not of
// what is done.
func TestStored(t *testing.T) {
	t.Parallel()
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	stored := func() (indices []int) {
		t.Helper()
		all, err := f.Stored(t.Context(), "splits.r")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			s, err := flow.Decode[schemas.Split](d)
			if err != nil {
				t.Fatal(err)
			}
			indices = append(indices, s.Index)
		}
		return indices
	}
	if have := stored(); have != nil {
		t.Errorf("have %v, want none", have)
	}
	other := split(9)
	other.Run = "other"
	publish(t, f, split(0), split(1), other, split(2))
	begun, finish := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	work(t, f, flow.WorkOptions{}, func(_ context.Context, d flow.Delivery) error {
		if s, err := flow.Decode[schemas.Split](d); err != nil || s.Index == 0 {
			return err
		}
		begin()
		<-finish
		return nil
	})
	defer close(finish)
	<-begun
	flowtest.Eventually(t, "one less", func() bool { return queued(js) == 3 })
	if have, want := stored(), []int{1, 2}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	if _, err := f.Stored(t.Context(), "nothing.r"); err == nil {
		t.Error("have no error for a subject of no stream")
	}
	if err := js.DeleteStream(t.Context(), schemas.RunsStream); err != nil {
		t.Fatal(err)
	}
	if have, err := f.Stored(t.Context(), "runs.request"); have != nil || err != nil {
		t.Errorf("have %v and %v, want nothing of a stream that has gone", have, err)
	}
}
