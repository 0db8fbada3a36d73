package flow_test

import (
	"context"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// TestPeekTakesNothing: who peeks hears a message, and its queue still has it.
func TestPeekTakesNothing(t *testing.T) {
	srv := flowtest.Start(t)
	f, js := srv.Connect(t), srv.JetStream(t)
	ctx, stop := context.WithCancel(t.Context())
	published := make(chan struct{})
	go func() {
		defer close(published)
		for ctx.Err() == nil { // a few before the subscription is there
			_ = f.Publish(ctx, &schemas.Reject{Run: "r", Key: "d/x.jpg", Reason: "broken"})
		}
	}()
	d, err := f.Peek(t.Context(), "rejects.r")
	stop()
	<-published
	if err != nil {
		t.Fatal(err)
	}
	if m, err := flow.Decode[schemas.Reject](d); err != nil || m.Key != "d/x.jpg" {
		t.Errorf("have %+v and %v, want the message", m, err)
	}
	s, err := js.Stream(t.Context(), schemas.RejectsStream)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Consumers; n != 0 {
		t.Errorf("have %d consumers, want none", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Peek(gone, "rejects.r"); err == nil {
		t.Error("have no error when nothing came")
	}
}
