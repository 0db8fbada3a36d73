package feed

import (
	"testing"
	"time"
)

// TestClock: short looks count in full, and a minute's sleep as one of them.
func TestClock(t *testing.T) {
	start := time.Unix(1000, 0)
	c := newClock(start)
	at, want := start, start
	for _, step := range []struct{ passes, counts time.Duration }{
		{0, 0},
		{tick, tick},
		{longestLook, longestLook},
		{time.Minute, longestLook},
		{tick, tick},
	} {
		at, want = at.Add(step.passes), want.Add(step.counts)
		if have := c.look(at); have != want {
			t.Errorf("after %v: have %v, want %v", step.passes, have.Sub(start), want.Sub(start))
		}
	}
}
