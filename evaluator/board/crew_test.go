package board

import (
	"strings"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// TestCrew follows two augmenters of one name, of which one is killed and the
// other leaves.
func TestCrew(t *testing.T) {
	var c crew
	began := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	for s := 2; s <= 20; s += 2 {
		// The first makes 40 images a second for ten seconds and then 60; it had made
		// 7 before it was heard of.
		images := int64(7 + 40*min(s, 10) + 60*max(0, s-10))
		c.hear(schemas.Pulse{Name: "a", Began: began, Time: at(s), Run: "r", Workers: 2, Images: images, Rendering: 1.5 * float64(s), Waiting: 0.5 * float64(s)}, at(s))
		if s <= 8 {
			c.hear(schemas.Pulse{Name: "a", Began: at(1), Time: at(s), Workers: 1, Images: 10, Waiting: float64(s) - 1}, at(s))
		}
	}
	now := c.team(at(20))
	if len(now.Hands) != 2 || now.Alive() != 1 || now.Workers() != 2 || now.Known {
		t.Fatalf("have %+v, want one alive of two", now)
	}
	if h := now.Hands[0]; h.PerSecond != 60 || h.Time.String() != "75 % making views, 25 % waiting for splits" || h.Quiet != "" || h.Run != "r" {
		t.Errorf("have %+v, want 60 images/s of the last ten seconds", h)
	}
	if h := now.Hands[1]; h.Quiet != "12 s" || h.PerSecond != 0 {
		t.Errorf("have %+v, want one that has been silent for 12 s", h)
	}
	if now := c.team(at(69)); len(now.Hands) != 1 {
		t.Errorf("have %+v, want the one that is gone forgotten after a minute", now)
	}
	c.hear(schemas.Pulse{Name: "a", Began: began, Time: at(21), Workers: 2, Leaving: true}, at(21))
	if now := c.team(at(21)); len(now.Hands) != 0 {
		t.Errorf("have %+v, want nobody", now)
	}
}

// TestCrewLive: augmenters are on both pages while they are alive.
func TestCrewLive(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Running)
	began := time.Now().Add(-time.Minute)
	for _, path := range []string{"/live", "/runs/forest-1/live"} {
		heard, left := false, false
		b.events(path, func(parts map[string]string) bool {
			crew, ok := parts["crew"]
			if !ok {
				return false
			}
			there := strings.Contains(crew, "&lt;host&gt;-1")
			if heard = heard || there; !heard {
				b.tell(schemas.Pulse{Name: "<host>-1", Began: began, Time: began.Add(30 * time.Second), Run: "forest-1", Workers: 2, Images: 1500, Rendering: 3})
				return false
			}
			if !left {
				left = true
				if !strings.Contains(crew, ">50</td>") || !strings.Contains(crew, "100 % making views") {
					t.Errorf("%s: have %s, want its rate and what it does", path, crew)
				}
				b.tell(schemas.Pulse{Name: "<host>-1", Began: began, Time: time.Now(), Workers: 2, Leaving: true})
			}
			return !there
		})
	}
}

func (b *bench) tell(m schemas.Message) {
	b.t.Helper()
	if err := b.flow.Tell(m); err != nil {
		b.t.Fatal(err)
	}
}

func TestMoreSamples(t *testing.T) {
	for _, tc := range []struct {
		wanted, have float64
		times        timeShares
		want         string
	}{
		{0, 0, timeShares{}, "Start more with selfstream augmenter, on this machine or another."},
		{3.5, 2, timeShares{Rendering: 1}, "3.5 workers would keep it busy; there are 2."},
		{3.5, 2, timeShares{Rendering: 0.3, Fetching: 0.4, Waiting: 0.3}, "They mostly wait for files"},
		{0.7, 2, timeShares{Rendering: 1}, "they do not get the processors that they need"},
		{3.5, 2, timeShares{Rendering: 0.3, Publishing: 0.4}, "They mostly wait until NATS has what they made"},
	} {
		if have := moreSamples(tc.wanted, tc.have, tc.times); !strings.Contains(have, tc.want) {
			t.Errorf("%+v: have %q, want %q", tc, have, tc.want)
		}
	}
}
