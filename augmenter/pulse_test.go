package augmenter

import (
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// TestPulse: an augmenter tells that it is alive before it has anything to do,
// what it has done, and that it leaves.
func TestPulse(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 5)
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	pulses := make(chan schemas.Pulse)
	go func() {
		_ = f.Listen(t.Context(), schemas.Pulse{}.Subject(), func(d flow.Delivery) error {
			p, err := flow.Decode[schemas.Pulse](d)
			if err != nil {
				t.Error(err)
			}
			select {
			case pulses <- p:
			case <-t.Context().Done():
			}
			return nil
		})
	}()
	hear := func(what string, ok func(schemas.Pulse) bool) {
		t.Helper()
		for end := time.After(30 * time.Second); ; {
			select {
			case p := <-pulses:
				if p.Name != "a" || p.Workers != 2 || p.Fingerprint != Fingerprint() || p.Time.Before(p.Began) {
					t.Errorf("have %+v, want one of augmenter a", p)
				}
				if ok(p) {
					return
				}
			case <-end:
				t.Fatalf("waiting for a pulse that tells %s: none has come", what)
			}
		}
	}
	stop := start(t, srv, &b, Config{Name: "a", Workers: 2})
	hear("of no work", func(p schemas.Pulse) bool { return p.Images == 0 && p.Run == "" && !p.Leaving })
	issue(t, f, split)
	hear("of the split", func(p schemas.Pulse) bool { return p.Images == 5 && p.Run == "r" && p.Rendering > 0 && p.Waiting > 0 })
	go stop()
	hear("of its end", func(p schemas.Pulse) bool { return p.Leaving })
}
