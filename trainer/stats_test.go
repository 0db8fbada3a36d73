package trainer

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/trainer/feed"
)

func TestAugmentersWanted(t *testing.T) {
	for _, tc := range []struct {
		name            string
		trainer, worker pace
		want            float64
	}{
		{"nothing known", pace{}, pace{}, 0},
		{"no samples yet", pace{100, 1}, pace{}, 0},
		{"no steps yet", pace{}, pace{100, 1}, 0},
		{"holes alone", pace{100, 1}, pace{0, 1}, 0},
		{"as fast as one", pace{300, 3}, pace{100, 1}, 1},
		{"as fast as four", pace{1200, 2}, pace{300, 2}, 4},
		{"half busy", pace{50, 1}, pace{100, 1}, 0.5},
	} {
		if have := augmentersWanted(tc.trainer, tc.worker); have != tc.want {
			t.Errorf("%s: have %g, want %g", tc.name, have, tc.want)
		}
	}
}

// TestPace: a steady pace is told exactly, and a new one after some hundred
// additions.
func TestPace(t *testing.T) {
	var p pace
	if have := p.perSecond(); have != 0 {
		t.Errorf("have %g before the first, want 0", have)
	}
	for _, tc := range []struct {
		busy time.Duration
		want float64
	}{{2 * time.Second, 16}, {time.Second, 32}} {
		for range 1000 {
			p.add(32, tc.busy)
		}
		if have := p.perSecond(); math.Abs(have-tc.want) > 1e-3 {
			t.Errorf("have %g, want %g", have, tc.want)
		}
	}
}

// TestEffort: what cannot be is not believed.
func TestEffort(t *testing.T) {
	for text, want := range map[string]schemas.Effort{
		"7200.0 1.0 0.5 0.0": {Waiting: 2 * time.Hour, Fetching: time.Second, Rendering: time.Second / 2},
		"":                   {},
		"soon":               {},
		"0.0 0.0 4000.0 0.0": {},
	} {
		h := nats.Header{}
		h.Set(schemas.SecondsHeader, text)
		if have := effort(flow.Delivery{Header: h}); have != want {
			t.Errorf("%q: have %v, want %v", text, have, want)
		}
	}
}

// TestStats: each phase gets its time, what is live is read while the run is at
// work, and its last figures stay.
func TestStats(t *testing.T) {
	var s Stats
	if c := s.Read(); c != (Counts{}) {
		t.Errorf("have %+v before the first run", c)
	}
	if n := testutil.CollectAndCount(s.Metrics()); n != 0 {
		t.Errorf("have %d metrics before the first run, want none", n)
	}
	from := time.Now()
	figures := feed.Stats{SplitsOut: 3, BufferedBytes: 1 << 20, Reissued: 1, Refused: 2}
	s.begin(Counts{Run: "r", Step: 10, Credit: 5}, func() (feed.Stats, int) { return figures, 4 })
	s.receive(8, schemas.Effort{Waiting: time.Hour, Fetching: time.Second, Rendering: time.Second})
	s.receive(8, schemas.Effort{})
	s.enter(stepping)
	s.step(16, 11, 1.5, 0.25)
	if before := s.enter(snapshotting); before != stepping {
		t.Errorf("have phase %d, want %d", before, stepping)
	}
	if c := s.Read(); c.AugmentersWanted <= 0 || c.WorkerPerSecond != 4 {
		t.Errorf("have %g augmenters wanted at %g images/s each, want some at 4", c.AugmentersWanted, c.WorkerPerSecond)
	}
	s.end()
	most := time.Since(from)
	figures = feed.Stats{}
	c := s.Read()
	if sum := c.Waiting + c.Stepping + c.Snapshotting; c.Waiting <= 0 || c.Stepping <= 0 || c.Snapshotting <= 0 || sum > most {
		t.Errorf("have times %v, %v and %v, want them above 0 and %v in all", c.Waiting, c.Stepping, c.Snapshotting, most)
	}
	if c.AugmentersWanted != 0 || c.WorkerPerSecond != 4 {
		t.Errorf("after the run: have %g augmenters wanted at %g images/s each, want none at 4", c.AugmentersWanted, c.WorkerPerSecond)
	}
	st := c.stages()
	if st.Feed.CreditBytes != 5 || st.Feed.Refused != 2 || st.Augmenters.Holes != 4 || !(st.Trainer.WaitShare > 0 && st.Trainer.WaitShare < 1) {
		t.Errorf("have stages %+v", st)
	}
	if c.Effort.Waiting > most {
		t.Errorf("have a wait of %v, want none from before the run", c.Effort.Waiting)
	}
	want := `# HELP selfstream_trainer_images_total Images trained on.
# TYPE selfstream_trainer_images_total counter
selfstream_trainer_images_total{run="r"} 16
# HELP selfstream_trainer_received_busy_seconds_total Time that they kept workers of augmenters busy.
# TYPE selfstream_trainer_received_busy_seconds_total counter
selfstream_trainer_received_busy_seconds_total{run="r"} 2
# HELP selfstream_trainer_received_images_total Images that augmenters have sent, repeats included.
# TYPE selfstream_trainer_received_images_total counter
selfstream_trainer_received_images_total{run="r"} 16
# HELP selfstream_trainer_reissued_splits_total Splits issued again because they were overdue.
# TYPE selfstream_trainer_reissued_splits_total counter
selfstream_trainer_reissued_splits_total{run="r"} 1
# HELP selfstream_trainer_step Steps that the run has made, in all its starts.
# TYPE selfstream_trainer_step gauge
selfstream_trainer_step{run="r"} 11
`
	if err := testutil.CollectAndCompare(s.Metrics(), strings.NewReader(want), "selfstream_trainer_images_total", "selfstream_trainer_received_busy_seconds_total",
		"selfstream_trainer_received_images_total", "selfstream_trainer_reissued_splits_total", "selfstream_trainer_step"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(s.Metrics()); err != nil || len(problems) > 0 {
		t.Errorf("have %v, %v", problems, err)
	}
}
