package evaluator

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/bucket"
	"selfstream/trainer/snapshot"
)

func TestRunReports(t *testing.T) {
	w := newWorld(t)
	for class, name := range []string{"across", "along", "aslant"} {
		w.draw("stripes/"+name, class, 25)
	}
	w.put("stripes/along/broken.png", []byte("\x89PNG\r\n\x1a\nand then nothing"))
	w.train(20, 10, 5)
	w.snapshot(0, false, nil)
	w.snapshot(7, true, nil)
	have := w.evaluate(w.config(), 14)
	want := []string{
		"0 linear", "0 knn", "0 balance", "0 alignment", "0 uniformity", "0 rankme", "0 std",
		"7 linear", "7 knn", "7 balance", "7 alignment", "7 uniformity", "7 rankme", "7 std",
	}
	if !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for _, r := range w.reports {
		if r.Final != (r.Step == 7) || !strings.Contains(r.Note, "1 of the 76 chosen images could not be read") {
			t.Errorf("%d %s: have final %v and note %q", r.Step, r.Probe, r.Final, r.Note)
		}
		if r.Probe == Balance {
			w.balanced(r)
			continue
		}
		labels := r.Probe == "linear" || r.Probe == "knn"
		if labels && (r.Train+r.Test != 75 || r.Test < 14 || len(r.PerClass) != 3 || r.PerClass[0].Class != "across") {
			t.Errorf("%d %s: have %d and %d images, classes %v", r.Step, r.Probe, r.Train, r.Test, r.PerClass)
		}
		if labels && r.Value < 0.6 { // 0.33 by chance; stripes are easy
			t.Errorf("%d %s: have %.2f, want well above chance", r.Step, r.Probe, r.Value)
		}
		if !labels && (r.Test != 0 || r.PerClass != nil || r.Value == 0) {
			t.Errorf("%d %s: have %+v", r.Step, r.Probe, r)
		}
		if stages := len(r.Stages); labels && stages != 4 || !labels && stages != 0 {
			t.Errorf("%d %s: have %d stages, want those of the encoder for probes that need labels", r.Step, r.Probe, stages)
		}
		if n := len(r.Stages); n > 0 && (r.Stages[n-1].Stage != "layer4" || r.Stages[n-1].Value != r.Value) {
			t.Errorf("%d %s: have %.3f and stages %v, want the value of the last", r.Step, r.Probe, r.Value, r.Stages)
		}
		if Last(r) != (r.Probe == "std") {
			t.Errorf("%d %s: have last %v", r.Step, r.Probe, Last(r))
		}
		if r.Constants["image_size"] != "16" || labels != (r.Constants["test_images"] == fifth) {
			t.Errorf("%d %s: have constants %v", r.Step, r.Probe, r.Constants)
		}
	}
	if kept := w.kept(); len(kept) != 14 {
		t.Errorf("have %d reports in the bucket, want 14", len(kept))
	}
}

func TestRunWithoutLabels(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.snapshot(0, true, nil)
	if have, want := w.evaluate(w.config(), 4), []string{"0 alignment", "0 uniformity", "0 rankme", "0 std"}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for _, r := range w.reports {
		if r.Note != noLabels || r.Train != 10 || r.Test != 0 {
			t.Errorf("have %+v, want a note that there are no labels", r)
		}
	}
}

// TestRunStages: between the untrained encoder and the last snapshot only the
// last stage is looked at.
func TestRunStages(t *testing.T) {
	w := newWorld(t)
	for class, name := range []string{"across", "along"} {
		w.draw("stripes/"+name, class, 10)
	}
	for _, step := range []int{0, 5, 9} {
		w.snapshot(step, step == 9, nil)
	}
	w.evaluate(w.config(), 21)
	for _, r := range w.kept() {
		if all := len(r.Stages) == 4; r.Probe == "linear" && all != (r.Step != 5) {
			t.Errorf("step %d: have stages %v", r.Step, r.Stages)
		}
	}
}

// TestRunRepeats: a snapshot that is announced again is not probed again, but
// its reports are published again, also those of a snapshot that is gone.
func TestRunRepeats(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.snapshot(3, false, nil)
	once := w.evaluate(w.config(), 4)
	if err := w.runs.Delete(context.Background(), snapshot.Prefix(runName, 3)+"/card.json"); err != nil {
		t.Fatal(err)
	}
	w.announce(3, false, strings.Repeat("0", 64))
	have := w.evaluate(w.config(), 8)
	if want := slices.Concat(once, once); !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// TestRunSkips snapshots that cannot be probed, says so, and goes on.
func TestRunSkips(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.announce(1, false, strings.Repeat("0", 64)) // there is none
	w.snapshot(2, false, func(s *model.Store) {
		if err := s.DeleteVariable("/encoder/conv1.weight"); err != nil {
			t.Fatal(err)
		}
	})
	w.snapshot(3, false, func(s *model.Store) {
		nan := []float32{float32(math.NaN()), 1}
		v := s.GetVariable("/encoder/bn4.bias")
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(slices.Repeat(nan, 64), 128)); err != nil {
			t.Fatal(err)
		}
	})
	w.snapshot(4, true, nil)
	w.evaluate(w.config(), 7)
	notes := map[int]string{}
	for _, r := range w.kept() {
		if r.Probe == Skipped && Last(r) {
			notes[r.Step] = r.Note
		}
	}
	for step, want := range map[int]string{1: "file does not exist", 2: "conv1.weight", 3: "diverged"} {
		if !strings.Contains(notes[step], want) {
			t.Errorf("step %d: have note %q, want %q in it", step, notes[step], want)
		}
	}
	if len(notes) != 3 || len(w.kept()) != 7 {
		t.Errorf("have notes %v and %d reports, want 3 and 7", notes, len(w.kept()))
	}
}

// TestRunSkipsDeletedDataset: nothing would bring it back.
func TestRunSkipsDeletedDataset(t *testing.T) {
	w := newWorld(t)
	w.snapshot(0, false, nil)
	w.evaluate(w.config(), 1)
	if have := w.kept(); len(have) != 1 || have[0].Probe != Skipped || !strings.Contains(have[0].Note, "nothing lies below stripes/") {
		t.Errorf("have %+v, want one of the probe %q with a note that says why", have, Skipped)
	}
}

// TestRunWaits for a snapshot that is just being written again.
func TestRunWaits(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.snapshot(6, true, nil)
	cfg := w.config()
	cfg.Runs = &lateBucket{Bucket: w.runs, missing: patience - 1}
	if have := w.evaluate(cfg, 4); slices.Contains(have, "6 skipped") {
		t.Errorf("have %v, want it probed", have)
	}
}

// lateBucket lacks the card of a snapshot for some time.
type lateBucket struct {
	bucket.Bucket
	missing int // how often
}

func (b *lateBucket) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	if strings.HasSuffix(key, "/card.json") && b.missing > 0 {
		b.missing--
		return nil, bucket.Info{}, fs.ErrNotExist
	}
	return b.Bucket.Get(ctx, key, limit)
}

// TestRunIsKilled after it has kept the first report and before it publishes
// anything; another evaluator makes what is missing.
func TestRunIsKilled(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.snapshot(5, true, nil)

	ctx, kill := context.WithCancel(context.Background())
	puts := &countingBucket{Bucket: w.runs, puts: map[string]int{}}
	puts.after = func(key string) {
		if strings.HasSuffix(key, "-alignment.json") {
			kill()
		}
	}
	cfg := w.config()
	cfg.Runs = puts
	if err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	have := w.evaluate(cfg, 4)
	if want := []string{"5 alignment", "5 uniformity", "5 rankme", "5 std"}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for key, n := range puts.puts {
		if n != 1 {
			t.Errorf("%s was written %d times, want once", key, n)
		}
	}
}

// countingBucket counts what is written, and calls after each time.
type countingBucket struct {
	bucket.Bucket
	mu    sync.Mutex
	puts  map[string]int
	after func(key string)
}

func (b *countingBucket) Put(ctx context.Context, key string, data []byte) error {
	err := b.Bucket.Put(ctx, key, data)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts[key]++
	b.after(key)
	return err
}

// TestRunIsKilledInAProbe: nothing of a probe that was under way is kept, and
// another evaluator comes to what it would have come to.
func TestRunIsKilledInAProbe(t *testing.T) {
	values := func(kill bool) map[string]float64 {
		w := newWorld(t)
		for class, name := range []string{"across", "along"} {
			w.draw("stripes/"+name, class, 10)
		}
		w.snapshot(5, true, nil)
		if kill {
			ctx, kill := context.WithCancel(context.Background())
			cfg := w.config()
			cfg.Datasets = &fatalBucket{Bucket: w.datasets, left: 7, kill: kill}
			if err := Run(ctx, cfg); err != nil {
				t.Fatal(err)
			}
			if have := w.kept(); len(have) != 0 || ctx.Err() == nil {
				t.Errorf("have %d reports of a probe that was not done", len(have))
			}
		}
		w.evaluate(w.config(), 7)
		all := map[string]float64{}
		for _, r := range w.kept() {
			all[r.Probe] = r.Value
		}
		return all
	}
	if have, want := values(true), values(false); !maps.Equal(have, want) || len(want) != 7 {
		t.Errorf("have %v, want %v as if nothing had happened", have, want)
	}
}

// fatalBucket kills whoever reads a few images from it.
type fatalBucket struct {
	bucket.Bucket
	mu   sync.Mutex
	left int
	kill func()
}

func (b *fatalBucket) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left--; b.left == 0 {
		b.kill()
	}
	return b.Bucket.Get(ctx, key, limit)
}

// TestRunLosesItsSnapshot while it works on it: with its weights unread, with
// the reports about its features made and its head unread, and with all read.
func TestRunLosesItsSnapshot(t *testing.T) {
	for _, tc := range []struct {
		name string
		when func(read bool, key string) bool // after what it disappears
		want []string
	}{
		{"after its card", func(read bool, key string) bool { return read && strings.HasSuffix(key, "/card.json") }, []string{"skipped"}},
		{"before its head", func(read bool, key string) bool { return !read && strings.HasSuffix(key, "-balance.json") }, []string{"linear", "knn", "balance", "skipped"}},
		{
			"at the end", func(read bool, key string) bool { return !read && strings.HasSuffix(key, "-pretext.json") },
			[]string{"linear", "knn", "balance", "pretext", "alignment", "uniformity", "rankme", "std"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			for class, name := range []string{"across", "along"} {
				w.draw("stripes/train/"+name, class, 10)
				w.draw("stripes/val/"+name, class, 4)
			}
			w.contextSnapshot(5, true, w.stubborn(0))
			cfg := w.config()
			cfg.Runs = &losingBucket{Bucket: w.runs, when: tc.when, lose: func() { w.vanish(5) }}
			last := fmt.Sprint("5 ", tc.want[len(tc.want)-1])
			w.until(cfg, last, func() bool { return slices.Contains(w.published(), last) })
			var have []string
			for _, r := range w.kept() {
				have = append(have, r.Probe)
				if r.Probe == Skipped && !strings.Contains(r.Note, "snapshots/00000005") {
					t.Errorf("have note %q, want the snapshot in it", r.Note)
				}
			}
			slices.Sort(tc.want)
			if !slices.Equal(have, tc.want) {
				t.Errorf("have %v, want %v", have, tc.want)
			}
		})
	}
}

// losingBucket loses something once something has been read or written.
type losingBucket struct {
	bucket.Bucket
	when func(read bool, key string) bool
	lose func()
	once sync.Once
}

func (b *losingBucket) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	data, info, err := b.Bucket.Get(ctx, key, limit)
	if b.when(true, key) {
		b.once.Do(b.lose)
	}
	return data, info, err
}

func (b *losingBucket) Put(ctx context.Context, key string, data []byte) error {
	err := b.Bucket.Put(ctx, key, data)
	if b.when(false, key) {
		b.once.Do(b.lose)
	}
	return err
}

// TestRunShares snapshots between evaluators: each is probed once, on the same
// images, though the dataset grows meanwhile.
func TestRunShares(t *testing.T) {
	w := newWorld(t)
	for class, name := range []string{"across", "along"} {
		w.draw("stripes/"+name, class, 10)
	}
	w.snapshot(0, false, nil)
	w.evaluate(w.config(), 7)
	w.draw("stripes/aslant", 2, 10)

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			if err := Run(ctx, w.config()); err != nil {
				t.Error(err)
			}
		})
	}
	for step := 1; step <= 5; step++ {
		w.snapshot(step, step == 5, nil)
	}
	names := w.await(6 * 7)
	stop()
	running.Wait()
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != 42 {
		t.Errorf("have %d distinct reports, want 42", n)
	}
	for _, r := range w.kept() {
		if r.Probe == "knn" && (r.Train != 16 || r.Test != 4 || len(r.PerClass) != 2) {
			t.Errorf("step %d: have %d and %d images of %d classes, want 16 and 4 of 2", r.Step, r.Train, r.Test, len(r.PerClass))
		}
	}
}
