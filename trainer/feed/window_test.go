package feed

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/trainer/plan"
)

var epoch0 = time.Unix(1_000_000, 0)

func testWindow(images int, credit int64) *window {
	return newWindow(testPlan(images), testRecipe, fingerprint, credit, plan.Position{})
}

// issueAll issues what the credit allows.
func issueAll(w *window, now time.Time) []schemas.Split {
	var out []schemas.Split
	for {
		s, ok := w.issue(now)
		if !ok {
			return out
		}
		out = append(out, s)
	}
}

func TestCreditBoundsWhatIsOut(t *testing.T) {
	per := int64(testPlan(80).SplitBytes())
	for _, tc := range []struct {
		credit int64
		want   int
	}{{0, 1}, {per, 1}, {3 * per, 3}, {3*per + per/2, 3}} {
		w := testWindow(80, tc.credit)
		if have := len(issueAll(w, epoch0)); have != tc.want {
			t.Errorf("credit of %d splits: have %d out, want %d", tc.credit/per, have, tc.want)
		}
	}
	// Samples that wait for their turn still take credit.
	w := testWindow(80, 3*per)
	splits := issueAll(w, epoch0)
	for _, s := range splits[1:] {
		admit(t, w, made(s, nil), "a")
	}
	if have := issueAll(w, epoch0); len(have) != 0 {
		t.Errorf("have %d more splits, want none while the head is missing", len(have))
	}
	admit(t, w, made(splits[0], nil), "a")
	for range 3 {
		w.take()
	}
	if have := issueAll(w, epoch0); len(have) != 3 || w.buffered != 0 {
		t.Errorf("have %d splits and %d bytes buffered, want 3 and 0", len(have), w.buffered)
	}
}

func admit(t *testing.T, w *window, s *schemas.Samples, from string) {
	t.Helper()
	if err := w.admit(s, arrival(body(t, s), from), epoch0); err != nil {
		t.Fatalf("admitting: %v", err)
	}
}

func TestOverdueSplitsAreIssuedAgain(t *testing.T) {
	const least = time.Second
	w := testWindow(80, 1<<30)
	w.end = plan.Position{Epoch: 1}
	splits := issueAll(w, epoch0)
	if late := w.overdue(epoch0.Add(least), least); len(late) != 0 {
		t.Fatalf("have %d overdue at once, want none", len(late))
	}
	admit(t, w, made(splits[1], nil), "a")
	late := w.overdue(epoch0.Add(least+1), least)
	if len(late) != len(splits)-1 || late[0].Index != 0 || late[1].Index != 2 {
		t.Fatalf("have %d overdue, want all %d but the one that came", len(late), len(splits)-1)
	}
	if again := w.overdue(epoch0.Add(2*least+1), least); len(again) != 0 {
		t.Errorf("have %d overdue after as long again, want none: patience doubles", len(again))
	}
	if again := w.overdue(epoch0.Add(4*least), least); len(again) != len(splits)-1 {
		t.Errorf("have %d overdue after twice as long again, want %d", len(again), len(splits)-1)
	}
}

// TestStarvedWindowIsImpatient: when all but one have come and there is no
// credit left, the one is asked for again soon.
func TestStarvedWindowIsImpatient(t *testing.T) {
	const least = 10 * time.Second
	w := testWindow(80, 8*int64(testPlan(80).SplitBytes()))
	splits := issueAll(w, epoch0)
	for _, s := range splits[1:] {
		if late := w.overdue(epoch0.Add(least/5), least); len(late) != 0 {
			t.Fatalf("have %d overdue with more than a quarter missing, want none", len(late))
		}
		admit(t, w, made(s, nil), "fast")
		if w.starved() {
			break
		}
	}
	for _, s := range splits[1:] {
		admit(t, w, made(s, nil), "fast")
	}
	if late := w.overdue(epoch0.Add(least/5), least); len(late) != 1 || late[0].Index != 0 {
		t.Errorf("have %d overdue, want the one at the head", len(late))
	}
}

// TestRefusals are messages that must not reach a batch, each with its reason.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*schemas.Samples)
		want   string
	}{
		{"another run", func(s *schemas.Samples) { s.Run = "other" }, `of run "other"`},
		{"another build", func(s *schemas.Samples) { s.Fingerprint = "other" }, `made by "other", and this run is made by "test"`},
		{"a view less", func(s *schemas.Samples) { s.Views = s.Views[:1] }, "have 1 views, want 2"},
		{"another size", func(s *schemas.Samples) { s.Views[0], s.Views[1] = s.Views[1], s.Views[0] }, "have 6 pixels a side, want 4"},
		{"another image", func(s *schemas.Samples) { s.IDs[2] = 999 }, "neither among the samples nor among the holes"},
		{"another label", func(s *schemas.Samples) { s.Labels[0] = 7 }, "has another label"},
		{"answers that nobody asked for", func(s *schemas.Samples) { s.Answers = make([]int32, len(s.IDs)) }, "and a recipe with 0 to choose from"},
		{"an image too many", func(s *schemas.Samples) { s.Holes = append(s.Holes, schemas.Hole{ID: 998}) }, "want"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := testWindow(80, 1<<20)
			split := issueAll(w, epoch0)[0]
			s := made(split, nil)
			tc.change(s)
			b := []byte("bad")
			err := w.admit(s, arrival(b, "bad"), epoch0)
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("have %v, want ErrRefused with %q", err, tc.want)
			}
			if w.ready() {
				t.Error("the refused samples are ready to be trained on")
			}
			if late := w.overdue(epoch0.Add(time.Millisecond), time.Second); len(late) != 1 || late[0].Index != split.Index {
				t.Errorf("have %d splits issued again, want the refused one at once", len(late))
			}
			admit(t, w, made(split, nil), "good")
			if !w.ready() {
				t.Error("good samples after bad ones are not ready")
			}
			if err := w.admit(s, arrival(b, "bad"), epoch0); !errors.Is(err, ErrRefused) {
				t.Errorf("after good ones: have %v, want ErrRefused", err)
			}
			w.take()
			if err := w.admit(s, arrival(b, "bad"), epoch0); !errors.Is(err, ErrRefused) {
				t.Errorf("after good ones were trained on: have %v, want ErrRefused", err)
			}
		})
	}
}

// TestAnswersAreChecked, as the loss of an answer that cannot be chosen would
// be anything.
func TestAnswersAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*schemas.Samples)
		want   string
	}{
		{"none", func(s *schemas.Samples) { s.Answers = nil }, "have 0 answers for 10 images, and a recipe with 8 to choose from"},
		{"a ninth", func(s *schemas.Samples) { s.Answers[3] = 8 }, "have answer 8, want less than 8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWindow(planOf(askingRecipe, 80), askingRecipe, fingerprint, 1<<20, plan.Position{})
			split := issueAll(w, epoch0)[0]
			s := made(split, nil)
			tc.change(s)
			if err := w.admit(s, arrival([]byte("bad"), "bad"), epoch0); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have %v, want ErrRefused with %q", err, tc.want)
			}
			admit(t, w, made(split, nil), "good")
			if !w.ready() {
				t.Error("good samples are not ready")
			}
			other := made(split, nil)
			other.Answers[2] ^= 1
			err := w.admit(other, arrival(body(t, other), "other"), epoch0)
			if want := fmt.Sprintf("image %d", other.IDs[2]); !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), want) {
				t.Errorf("another answer: have %v, want ErrDiffers with %q", err, want)
			}
		})
	}
}

// TestRepeats: an equal repeat is dropped, a different one names both makers
// and the image, before and after the first was trained on.
func TestRepeats(t *testing.T) {
	for _, trained := range []bool{false, true} {
		w := testWindow(80, 1<<20)
		split := issueAll(w, epoch0)[0]
		admit(t, w, made(split, nil), "first")
		if trained {
			w.take()
		}
		admit(t, w, made(split, nil), "second")
		if trained && w.buffered != 0 {
			t.Errorf("have %d bytes buffered, want none: the repeat is dropped", w.buffered)
		}
		s := made(split, nil)
		s.Views[1].Data[len(s.Views[1].Data)-1] ^= 1
		err := w.admit(s, arrival(body(t, s), "second"), epoch0)
		if !errors.Is(err, ErrDiffers) {
			t.Fatalf("trained %v: have %v, want ErrDiffers", trained, err)
		}
		last := split.Images[len(split.Images)-1].ID
		for _, want := range []string{`"first"`, `"second"`, fmt.Sprintf("image %d", last)} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("have %v, want it to name %s", err, want)
			}
		}
	}
}

// TestRefusedAgainAndAgain: a split whose samples are refused is issued again at
// once, and later each time if that does not help. Its patience with samples
// that get lost does not wear.
func TestRefusedAgainAndAgain(t *testing.T) {
	const least = 2 * time.Second
	w := testWindow(80, 0)
	split := issueAll(w, epoch0)[0]
	bad := made(split, nil)
	bad.Labels[0] = 7
	now := epoch0
	refuse := func() {
		t.Helper()
		if err := w.admit(bad, arrival([]byte("bad"), "bad"), now); !errors.Is(err, ErrRefused) {
			t.Fatalf("have %v, want ErrRefused", err)
		}
	}
	for i, wait := range []time.Duration{0, 0, 0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond} {
		refuse()
		if late := w.overdue(now.Add(wait-1), least); wait > 0 && len(late) != 0 {
			t.Errorf("refusal %d: have %d splits issued before %v, want none", i, len(late), wait)
		}
		now = now.Add(wait)
		if late := w.overdue(now, least); len(late) != 1 {
			t.Fatalf("refusal %d: have %d splits issued after %v, want the refused one", i, len(late), wait)
		}
	}
	if late := w.overdue(now.Add(least+1), least); len(late) != 1 {
		t.Errorf("have %d splits issued again, want the lost one", len(late))
	}
	for range 100 {
		refuse()
	}
	if late := w.overdue(now.Add(5*time.Second), least); len(late) != 1 {
		t.Errorf("have %d splits issued 5 s after a hundred refusals, want the refused one", len(late))
	}
}

func TestSamplesFromElsewhereAreDropped(t *testing.T) {
	w := testWindow(80, 0)
	issueAll(w, epoch0)
	s := made(w.plan.Split(plan.Position{Epoch: 5}), nil)
	admit(t, w, s, "early")
	if w.buffered != 0 || w.ready() {
		t.Error("samples that nobody asked for are kept")
	}
}
