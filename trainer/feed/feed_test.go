package feed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/trainer/plan"
)

const fingerprint = "test"

var testRecipe = schemas.Recipe{Views: []schemas.View{testView(4), testView(6)}}

func testView(size int) schemas.View {
	return schemas.View{Size: size, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}}
}

// askingRecipe makes answers.
var askingRecipe = schemas.Recipe{Pair: &schemas.Pair{Size: 4, Crop: testView(4).Crop}}

func testPlan(images int) *plan.Plan { return planOf(testRecipe, images) }

func planOf(recipe schemas.Recipe, images int) *plan.Plan {
	m := &plan.Manifest{Dataset: "d"}
	for i := range images {
		m.Images = append(m.Images, schemas.Image{ID: int64(i), Key: fmt.Sprintf("d/%04d.jpg", i), Label: int32(i % 3)})
	}
	return plan.New("run", 1, recipe, m)
}

// made are the samples of a split, as an augmenter would make them: bytes that
// depend on epoch, image and view. Images whose id broken accepts are holes.
func made(s schemas.Split, broken func(id int64) bool) *schemas.Samples {
	out := &schemas.Samples{Run: s.Run, Epoch: s.Epoch, Index: s.Index, Fingerprint: fingerprint}
	for _, size := range s.Recipe.Sizes() {
		out.Views = append(out.Views, schemas.Pixels{Size: size})
	}
	if s.Recipe.Answers() > 0 {
		out.Answers = []int32{}
	}
	for _, img := range s.Images {
		if broken != nil && broken(img.ID) {
			out.Holes = append(out.Holes, schemas.Hole{ID: img.ID, Key: img.Key, Reason: "broken"})
			continue
		}
		out.IDs = append(out.IDs, img.ID)
		out.Labels = append(out.Labels, img.Label)
		if n := int64(s.Recipe.Answers()); n > 0 {
			out.Answers = append(out.Answers, int32((img.ID+int64(s.Epoch))%n))
		}
		for v := range out.Views {
			size := out.Views[v].Size
			r := rand.New(rand.NewPCG(uint64(s.Epoch), uint64(img.ID)<<8|uint64(v)))
			for range size * size * 3 {
				out.Views[v].Data = append(out.Views[v].Data, byte(r.Uint32()))
			}
		}
	}
	return out
}

// body is the message of s.
func body(t testing.TB, s *schemas.Samples) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// arrival is what the message of a body brings.
func arrival(body []byte, from string) Arrival {
	return Arrival{Augmenter: from, Bytes: int64(len(body)), Digest: schemas.DigestOf(body)}
}

// straight are the batches of a plan cut in order by one hand: what every
// other way has to equal.
func straight(p *plan.Plan, size, epochs int, from plan.Cursor, broken func(int64) bool) []*Batch {
	c := NewCutter(p, size, from)
	var out []*Batch
	for at := from.Position; at.Epoch < epochs; at = p.Next(at) {
		c.Add(made(p.Split(at), broken))
		for b := c.Next(); b != nil; b = c.Next() {
			out = append(out, b)
		}
	}
	return out
}

func digestOf(batches []*Batch) Digest {
	var d Digest
	for _, b := range batches {
		d = d.Add(b)
	}
	return d
}

// TestExactlyOnce counts every image of every epoch in the batches themselves:
// each that is not broken comes once, but for what fills no batch at the end.
func TestExactlyOnce(t *testing.T) {
	const images, epochs = 101, 4
	broken := func(id int64) bool { return id%25 == 7 }
	const good = images - 4 // 7, 32, 57 and 82
	for _, size := range []int{2, 7, 64, 97} {
		batches := straight(testPlan(images), size, epochs, plan.Cursor{}, broken)
		if have, want := len(batches), good*epochs/size; have != want {
			t.Fatalf("batch %d: have %d batches, want %d", size, have, want)
		}
		var ids []int64
		for _, b := range batches {
			if b.Size() != size {
				t.Fatalf("have a batch of %d, want %d", b.Size(), size)
			}
			ids = append(ids, b.IDs...)
		}
		for epoch := range epochs {
			one := ids[epoch*good : min((epoch+1)*good, len(ids))]
			if epoch < epochs-1 && len(one) != good {
				t.Fatalf("batch %d, epoch %d: have %d images, want %d", size, epoch, len(one), good)
			}
			seen := map[int64]bool{}
			for _, id := range one {
				if seen[id] || broken(id) || id < 0 || id >= images {
					t.Fatalf("batch %d, epoch %d: have image %d, which is broken, comes twice, or does not exist", size, epoch, id)
				}
				seen[id] = true
			}
		}
	}
}

// TestResumeFromAnyBatch goes on from the cursor after each batch.
func TestResumeFromAnyBatch(t *testing.T) {
	broken := func(id int64) bool { return id%11 == 3 }
	p := testPlan(61)
	all := straight(p, 9, 3, plan.Cursor{}, broken)
	want := digestOf(all)
	for i := range all {
		rest := straight(p, 9, 3, all[i].After, broken)
		if have := digestOf(append(slices.Clone(all[:i+1]), rest...)); have != want {
			t.Fatalf("after batch %d at %+v: have digest %s, want %s", i, all[i].After, have, want)
		}
	}
}

func TestHolesAreFilled(t *testing.T) {
	broken := func(id int64) bool { return id%2 == 0 }
	batches := straight(testPlan(40), 8, 2, plan.Cursor{}, broken)
	if have, want := len(batches), 2*20/8; have != want {
		t.Fatalf("have %d batches, want %d", have, want)
	}
	for _, b := range batches {
		for _, id := range b.IDs {
			if broken(id) {
				t.Errorf("image %d is broken and in a batch", id)
			}
		}
	}
}

// TestAnswersStayWithTheirImages, also where a batch is made of two splits and
// two epochs.
func TestAnswersStayWithTheirImages(t *testing.T) {
	batches := straight(planOf(askingRecipe, 41), 8, 2, plan.Cursor{}, nil)
	if have, want := len(batches), 2*41/8; have != want {
		t.Fatalf("have %d batches, want %d", have, want)
	}
	row := 0
	for _, b := range batches {
		if len(b.Answers) != b.Size() {
			t.Fatalf("have %d answers for %d images", len(b.Answers), b.Size())
		}
		for i, id := range b.IDs {
			if want := int32((id + int64(row/41)) % schemas.Neighbours); b.Answers[i] != want {
				t.Errorf("image %d: have answer %d, want %d", id, b.Answers[i], want)
			}
			row++
		}
	}
	if b := straight(testPlan(20), 10, 1, plan.Cursor{}, nil)[0]; b.Answers != nil {
		t.Errorf("have answers %v of a recipe that asks nothing, want none", b.Answers)
	}
}

// TestDigestIsTheDocuments holds the digest of a batch without answers against
// its definition in docs/guarantees.md.
func TestDigestIsTheDocuments(t *testing.T) {
	b := &Batch{
		Views:  []View{{1, [][]byte{[]byte("abcdef")}}, {1, [][]byte{[]byte("ABC"), []byte("DEF")}}},
		Labels: []int32{1, -1},
		IDs:    []int64{2, 258},
	}
	const views, labels, ids = "abcdefABCDEF", "\x01\x00\x00\x00\xff\xff\xff\xff", "\x02\x00\x00\x00\x00\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00\x00"
	chain := func(batch string) Digest {
		sum := sha256.Sum256([]byte(batch))
		return sha256.Sum256(append(make([]byte, 32), sum[:]...))
	}
	if have, want := (Digest{}).Add(b), chain(views+labels+ids); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	b.Answers = []int32{7, 0}
	if have, want := (Digest{}).Add(b), chain(views+labels+"\x07\x00\x00\x00\x00\x00\x00\x00"+ids); have != want {
		t.Errorf("with answers: have %s, want %s", have, want)
	}
}

func TestDigestSeesEverything(t *testing.T) {
	fresh := func() *Batch { return straight(planOf(askingRecipe, 20), 10, 1, plan.Cursor{}, nil)[0] }
	want := Digest{}.Add(fresh())
	for name, change := range map[string]func(*Batch){
		"a bit of the first view": func(b *Batch) { b.Views[0].Pieces[0][5] ^= 1 },
		"a bit of the last view":  func(b *Batch) { last := b.Views[1].Pieces[len(b.Views[1].Pieces)-1]; last[len(last)-1] ^= 128 },
		"a label":                 func(b *Batch) { b.Labels[3]++ },
		"an answer":               func(b *Batch) { b.Answers[3]++ },
		"an id":                   func(b *Batch) { b.IDs[9]++ },
	} {
		b := fresh()
		change(b)
		if (Digest{}).Add(b) == want {
			t.Errorf("the digest does not see a change of %s", name)
		}
	}
	if again := (Digest{}).Add(fresh()); again != want {
		t.Errorf("have %s, want %s for equal batches", again, want)
	}
	parsed, err := ParseDigest(want.String())
	if err != nil || parsed != want {
		t.Errorf("have %s and %v, want what was written", parsed, err)
	}
	if _, err := ParseDigest("beef"); err == nil {
		t.Error("have no error, want one for a short digest")
	}
}

// fleet are augmenters that answer splits in any order, lose some, repeat
// some, and take turns.
type fleet struct {
	t      *testing.T
	feed   *Feed
	splits chan schemas.Split
	broken func(int64) bool
}

// work answers splits until ctx ends.
func (f *fleet) work(ctx context.Context, name string, r *rand.Rand) {
	var held []schemas.Split
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-f.splits:
			if held = append(held, s); len(held) < 3 && len(f.splits) > 0 {
				continue // to answer in another order
			}
		}
		r.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, s := range held {
			for range 1 + r.IntN(2) {
				m := made(s, f.broken)
				if err := f.feed.Admit(m, arrival(body(f.t, m), name)); err != nil {
					f.t.Errorf("admitting: %v", err)
				}
			}
		}
		held = held[:0]
	}
}

// TestAnyFleetGivesTheSameBatches is the promise, without the network.
func TestAnyFleetGivesTheSameBatches(t *testing.T) {
	const images, epochs, size = 120, 3, 16
	broken := func(id int64) bool { return id == 17 }
	want := digestOf(straight(testPlan(images), size, epochs, plan.Cursor{}, broken))
	for _, n := range []int{1, 2, 4, 8} {
		p := testPlan(images)
		f := &fleet{t: t, splits: make(chan schemas.Split, 4), broken: broken}
		f.feed = New(Config{
			Plan: p, Recipe: testRecipe, Fingerprint: fingerprint, Epochs: epochs, Batch: size,
			Credit: 6 * int64(p.SplitBytes()), Holes: NewHoles("run", images, 1, 0, 0, nil), Log: slog.New(slog.DiscardHandler),
			Retract: func(context.Context) error { return nil },
			Issue: func(ctx context.Context, s schemas.Split) error {
				select {
				case f.splits <- s:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = f.feed.Run(ctx) }) // ends with ctx
		for i := range n {
			wg.Go(func() { f.work(ctx, fmt.Sprint(i), rand.New(rand.NewPCG(uint64(n), uint64(i)))) })
		}
		var have Digest
		for {
			b, err := f.feed.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			have = have.Add(b)
		}
		stop()
		wg.Wait()
		if have != want {
			t.Errorf("%d augmenters: have digest %s, want %s", n, have, want)
		}
	}
}

// TestRepeatsDoNotPileUp: where nobody works, splits are taken back before they
// are issued again. Where somebody does, they are not.
func TestRepeatsDoNotPileUp(t *testing.T) {
	p := testPlan(120)
	queue := map[int]int{} // how often each split is in it
	retracted := 0
	f := New(Config{
		Plan: p, Recipe: testRecipe, Fingerprint: fingerprint, Epochs: 1, Batch: 16, Log: slog.New(slog.DiscardHandler),
		Issue:   func(_ context.Context, s schemas.Split) error { queue[s.Index]++; return nil },
		Retract: func(context.Context) error { retracted++; clear(queue); return nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	pass := func() { // one pass of Run, long after the last one
		for _, flight := range f.window.flights {
			flight.issued = time.Now().Add(-time.Hour)
		}
		_ = f.Run(ctx) // which ends after a pass, with ctx
	}
	for range 5 {
		pass()
	}
	if len(queue) != p.Splits() || queue[0] != 1 || retracted != 4 {
		t.Errorf("have queue %v after taking back %d times, want each of %d splits once, and 4", queue, retracted, p.Splits())
	}
	s := made(p.Split(plan.Position{Split: 3}), nil)
	if err := f.Admit(s, arrival(body(t, s), "a")); err != nil {
		t.Fatal(err)
	}
	pass()
	if queue[0] != 2 || queue[3] != 1 || retracted != 4 {
		t.Errorf("have queue %v after taking back %d times, want all but split 3 twice, and 4", queue, retracted)
	}
}

func TestTooManyHoles(t *testing.T) {
	samples := func(good, bad int) *schemas.Samples {
		s := &schemas.Samples{IDs: make([]int64, good)}
		for i := range bad {
			s.Holes = append(s.Holes, schemas.Hole{ID: int64(i), Key: fmt.Sprintf("k%d", i), Reason: "empty"})
		}
		return s
	}
	for _, tc := range []struct {
		name      string
		images    int
		good, bad int
		count     int
		rate      float64
		wantErr   bool
	}{
		{"none", 100, 50, 0, 0, 0, false},
		{"one too many", 100, 50, 1, 0, 0, true},
		{"few", 100, 47, 3, 5, 0, false},
		{"many, but a small share", 1000, 900, 20, 5, 0.1, false},
		{"many, and a large share", 1000, 800, 200, 5, 0.1, true},
		{"all, whatever is borne", 4, 0, 4, 100, 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := NewHoles("run", tc.images, tc.count, tc.rate, 0, nil)
			err := h.Add(samples(tc.good, tc.bad))
			if (err != nil) != tc.wantErr {
				t.Fatalf("have %v, want an error: %v", err, tc.wantErr)
			}
			if err != nil && (!errors.Is(err, ErrTooManyHoles) || !strings.Contains(err.Error(), `"k0" (empty)`)) {
				t.Errorf("have %v, want ErrTooManyHoles that names k0", err)
			}
		})
	}
}

func TestHolesCountEachImageOnce(t *testing.T) {
	h := NewHoles("run", 10, 1, 0, 0, []schemas.Reject{{Run: "run", ID: 4, Key: "a", Reason: "r"}})
	for range 3 {
		if err := h.Add(&schemas.Samples{IDs: []int64{1, 2}, Holes: []schemas.Hole{{ID: 4, Key: "a", Reason: "r"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if h.Len() != 1 || len(h.Rejects()) != 1 {
		t.Errorf("have %d, want 1", h.Len())
	}
}
