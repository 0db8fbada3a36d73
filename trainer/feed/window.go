package feed

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"selfstream/schemas"
	"selfstream/trainer/plan"
)

var (
	// ErrRefused is wrapped by errors about samples that cannot be trained on;
	// their split is issued again.
	ErrRefused = errors.New("samples refused")

	// ErrForeign is wrapped by those errors which are about the samples of
	// another build. There will be more from the same augmenter.
	ErrForeign = errors.New("another build")

	// ErrDiffers is wrapped by the error about a repeat that is not
	// byte-identical. The run must stop: some augmenter is not deterministic.
	ErrDiffers = errors.New("repeated samples differ")
)

// remembered is for how many splits that were trained on a repeat can still be
// compared. A straggler may be that far behind and still be caught lying.
const remembered = 1024

// window keeps the splits between their issue and their training: those that
// are out, and the samples that came before their turn. It knows nothing of
// queues; the clock is its caller's.
type window struct {
	plan        *plan.Plan
	recipe      schemas.Recipe
	fingerprint string // of the samples that are accepted
	credit      int64  // bytes of samples that may be out or waiting, all together
	perSplit    int64  // bytes that a split takes of it

	head, next plan.Position // the next to be trained on; the next to be issued
	end        plan.Position // the first that is not part of the run; zero: no end
	flights    map[plan.Position]*flight
	past       []memory // of the last splits trained on, oldest first
	buffered   int64    // bytes of samples that wait
	latency    time.Duration
	seed       maphash.Seed
}

// flight is a split that is out, or whose samples wait for their turn.
type flight struct {
	split   schemas.Split
	issued  time.Time // the last time
	times   int       // that it was issued
	overdue int       // times that it was
	refused int       // times that its samples were
	again   time.Time // when to issue it again, as they were; zero: when it is overdue
	samples *schemas.Samples
	bytes   int64 // of their message
	memory
}

// memory is what is kept of samples to compare a repeat with.
type memory struct {
	at   plan.Position
	sum  schemas.Digest
	rows []uint64 // a hash per image, to say which one differs
	from string   // the augmenter
}

func newWindow(p *plan.Plan, recipe schemas.Recipe, fingerprint string, credit int64, from plan.Position) *window {
	return &window{
		plan: p, recipe: recipe, fingerprint: fingerprint, credit: credit, perSplit: int64(p.SplitBytes()),
		head: from, next: from, flights: map[plan.Position]*flight{}, seed: maphash.MakeSeed(),
	}
}

// issue is the next split, if the credit allows one more. One split is always
// allowed, or a split larger than the credit would stop the run.
func (w *window) issue(now time.Time) (schemas.Split, bool) {
	if w.end != (plan.Position{}) && !w.next.Before(w.end) {
		return schemas.Split{}, false
	}
	if n := int64(len(w.flights)); n > 0 && (n+1)*w.perSplit > w.credit {
		return schemas.Split{}, false
	}
	f := &flight{split: w.plan.Split(w.next), issued: now, times: 1}
	w.flights[w.next] = f
	w.next = w.plan.Next(w.next)
	return f.split, true
}

// overdue are the splits that have been out for much longer than splits take,
// in order, each to be issued again. A lost split, a killed augmenter and a
// straggler all look like this, and one cure serves all: a repeat is harmless.
func (w *window) overdue(now time.Time, least time.Duration) []schemas.Split {
	wait := max(least, overdueFactor*w.latency)
	if w.starved() {
		// The augmenters that are not stuck have nothing else to do.
		wait = min(wait, max(least/10, w.latency))
	}
	var late []schemas.Split
	for at := w.head; at.Before(w.next); at = w.plan.Next(at) {
		f := w.flights[at]
		// Twice the patience each time, so that a fleet that is merely slow is
		// not buried under repeats.
		patience := wait << min(f.overdue, 6)
		switch refused := !f.again.IsZero(); {
		case f.samples != nil, refused && now.Before(f.again), !refused && now.Sub(f.issued) <= patience:
			continue
		case !refused:
			f.overdue++
		}
		f.issued, f.again = now, time.Time{}
		f.times++
		late = append(late, f.split)
	}
	return late
}

// penance is how long a split waits once its samples were refused that often
// before. At first not at all, as another augmenter may do better. If none does,
// they need not be kept busy.
func penance(before int) time.Duration {
	if before < 3 {
		return 0
	}
	return min(100*time.Millisecond<<min(before-3, 10), 5*time.Second)
}

// starved tells whether almost all that the credit allows has come, and waits
// for a few that have not.
func (w *window) starved() bool {
	missing := 0
	for _, f := range w.flights {
		if f.samples == nil {
			missing++
		}
	}
	n := int64(len(w.flights))
	return (n+1)*w.perSplit > w.credit && int64(4*missing) <= n
}

// overdueFactor is how many times longer than usual a split may take.
const overdueFactor = 4

// admit takes samples in whatever order they come. Repeats are compared and
// dropped. The error wraps ErrRefused or ErrDiffers.
func (w *window) admit(s *schemas.Samples, a Arrival, now time.Time) error {
	at := plan.Position{Epoch: s.Epoch, Split: s.Index}
	m := memory{at: at, sum: a.Digest, from: a.Augmenter}
	f := w.flights[at]
	switch {
	case f != nil && f.samples == nil:
		if err := w.check(s, f.split); err != nil {
			f.again = now.Add(penance(f.refused))
			f.refused++
			return refused(s, a.Augmenter, err)
		}
		m.rows = w.hashRows(s)
		f.memory, f.samples, f.bytes = m, s, a.Bytes
		w.buffered += f.bytes
		w.learnLatency(now.Sub(f.issued), f.times)
		return nil
	case f != nil:
		return w.compare(f.memory, m, s)
	default:
		i, found := slices.BinarySearchFunc(w.past, at, func(m memory, at plan.Position) int {
			switch {
			case m.at.Before(at):
				return -1
			case at.Before(m.at):
				return 1
			}
			return 0
		})
		if found {
			return w.compare(w.past[i], m, s)
		}
		return nil // too old to be compared, or issued by an earlier start of this trainer
	}
}

// learnLatency follows how long splits take, as a moving average. A repeat
// tells nothing: whose answer it is cannot be known.
func (w *window) learnLatency(d time.Duration, times int) {
	switch {
	case times > 1:
	case w.latency == 0:
		w.latency = d
	default:
		w.latency += (d - w.latency) / 8
	}
}

// compare returns an error that wraps ErrDiffers if two makings of a split are
// not the same.
func (w *window) compare(old, again memory, s *schemas.Samples) error {
	if old.sum == again.sum {
		return nil
	}
	// A message that could not have been trained on in the first place proves
	// nothing against the samples that were.
	if err := w.check(s, w.plan.Split(old.at)); err != nil {
		return refused(s, again.from, err)
	}
	rows := w.hashRows(s)
	image := "none of the images; a hole or the header"
	for i := range min(len(rows), len(old.rows)) {
		if rows[i] != old.rows[i] {
			image = fmt.Sprintf("image %d", s.IDs[i])
			break
		}
	}
	return fmt.Errorf("%w: epoch %d, split %d: augmenters %q and %q made different bytes of %s; "+
		"find out which of them is broken (memory, processor, build) before you go on",
		ErrDiffers, s.Epoch, s.Index, old.from, again.from, image)
}

func (w *window) hashRows(s *schemas.Samples) []uint64 {
	rows := make([]uint64, len(s.IDs))
	for i := range rows {
		var h maphash.Hash
		h.SetSeed(w.seed)
		for _, v := range s.Views {
			n := v.Size * v.Size * 3
			h.Write(v.Data[i*n : (i+1)*n])
		}
		if s.Answers != nil {
			maphash.WriteComparable(&h, s.Answers[i])
		}
		rows[i] = h.Sum64()
	}
	return rows
}

func refused(s *schemas.Samples, from string, reason error) error {
	return fmt.Errorf("%w: epoch %d, split %d from augmenter %q: %w", ErrRefused, s.Epoch, s.Index, from, reason)
}

// check holds samples against the split that asked for them.
func (w *window) check(s *schemas.Samples, split schemas.Split) error {
	if s.Run != split.Run {
		return fmt.Errorf("it is of run %q, want %q", s.Run, split.Run)
	}
	if s.Fingerprint != w.fingerprint {
		return w.foreign(s)
	}
	if err := w.checkForm(s); err != nil {
		return err
	}
	row, hole := 0, 0
	for _, img := range split.Images {
		switch {
		case row < len(s.IDs) && s.IDs[row] == img.ID && s.Labels[row] == img.Label:
			row++
		case hole < len(s.Holes) && s.Holes[hole].ID == img.ID:
			hole++
		default:
			return fmt.Errorf("image %d is neither among the samples nor among the holes, or has another label", img.ID)
		}
	}
	if row != len(s.IDs) || hole != len(s.Holes) {
		return fmt.Errorf("have %d samples and %d holes, want %d and %d", len(s.IDs), len(s.Holes), row, hole)
	}
	return nil
}

// checkForm holds samples against the recipe.
func (w *window) checkForm(s *schemas.Samples) error {
	sizes := w.recipe.Sizes()
	if len(s.Views) != len(sizes) {
		return fmt.Errorf("have %d views, want %d", len(s.Views), len(sizes))
	}
	for i, v := range s.Views {
		if v.Size != sizes[i] {
			return fmt.Errorf("view %d: have %d pixels a side, want %d", i, v.Size, sizes[i])
		}
	}
	choices := w.recipe.Answers()
	if asked := choices > 0; asked != (s.Answers != nil) {
		return fmt.Errorf("have %d answers for %d images, and a recipe with %d to choose from", len(s.Answers), len(s.IDs), choices)
	}
	for i, answer := range s.Answers {
		if int(answer) >= choices {
			return fmt.Errorf("image %d: have answer %d, want less than %d", s.IDs[i], answer, choices)
		}
	}
	return nil
}

func (w *window) foreign(s *schemas.Samples) error {
	return fmt.Errorf("%w: it was made by %q, and this run is made by %q; start augmenters of one build", ErrForeign, s.Fingerprint, w.fingerprint)
}

// ready tells whether the samples at the head are there.
func (w *window) ready() bool {
	f := w.flights[w.head]
	return f != nil && f.samples != nil
}

// take removes the samples at the head, which must be ready.
func (w *window) take() *schemas.Samples {
	f := w.flights[w.head]
	delete(w.flights, w.head)
	w.past = append(w.past, f.memory)
	if len(w.past) > 2*remembered {
		w.past = slices.Clone(w.past[remembered:])
	}
	w.buffered -= f.bytes
	w.head = w.plan.Next(w.head)
	return f.samples
}
