package evaluator

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/trainer/encoder"
	"selfstream/trainer/snapshot"
)

func goBackend(t *testing.T) compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newTuned has a tiny encoder with the weights of a snapshot.
func newTuned(t *testing.T, how Tuning, classes int) *tuned {
	t.Helper()
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	return &tuned{Tuning: how, encoder: e, store: encoderStore(t, 1), classes: classes}
}

// values are those of all variables below a scope.
func values(store *model.Store, scope string) map[string][]float32 {
	all := map[string][]float32{}
	for v := range store.IterVariables() {
		if strings.HasPrefix(v.Path(), scope+"/") {
			all[v.Path()] = tensors.MustCopyFlatData[float32](v.MustValue())
		}
	}
	return all
}

// TestFew: every class gives its share, at least one image, and another seed
// chooses others.
func TestFew(t *testing.T) {
	var labels []int32
	for class, n := range []int{200, 40, 4, 1} {
		labels = append(labels, slices.Repeat([]int32{int32(class)}, n)...)
	}
	for _, tc := range []struct {
		share float64
		want  []int
	}{
		{0.01, []int{2, 1, 1, 1}}, {0.1, []int{20, 4, 1, 1}}, {0.5, []int{100, 20, 2, 1}}, {1, []int{200, 40, 4, 1}},
	} {
		chosen := few(labels, tc.share, 1)
		have := make([]int, 4)
		for _, i := range chosen {
			have[labels[i]]++
		}
		if !slices.Equal(have, tc.want) || !slices.IsSorted(chosen) || len(slices.Compact(slices.Clone(chosen))) != len(chosen) {
			t.Errorf("%g: have %v of the classes, want %v", tc.share, have, tc.want)
		}
		if again := few(labels, tc.share, 1); !slices.Equal(again, chosen) {
			t.Errorf("%g: the same seed chooses others", tc.share)
		}
		if other := few(labels, tc.share, 2); tc.share < 1 && slices.Equal(other, chosen) {
			t.Errorf("%g: another seed chooses the same", tc.share)
		}
	}
}

// TestDeck: of so many images dealt each comes once an epoch, in another order
// and as another crop each time.
func TestDeck(t *testing.T) {
	p := noise(40)
	which := []int{3, 5, 8, 13, 21, 34, 39}
	deal := func(seed uint64) ([]byte, []int32) {
		d := &deck{pixels: p, images: which, seed: seed, crop: 0.2}
		var images []byte
		var labels []int32
		for range 7 {
			i, l := d.deal(3)
			images, labels = append(images, i...), append(labels, l...)
		}
		return images, labels
	}
	images, labels := deal(1)
	var want []int32
	for _, i := range which {
		want = append(want, p.labels[i])
	}
	slices.Sort(want)
	orders := map[string]bool{}
	for epoch := range slices.Chunk(labels, len(which)) {
		orders[string(rune(epoch[0]))+string(rune(epoch[1]))] = true
		slices.Sort(epoch)
		if !slices.Equal(epoch, want) {
			t.Errorf("have the labels %v in an epoch, want %v", epoch, want)
		}
	}
	if len(orders) < 2 {
		t.Error("have the same order in every epoch")
	}
	crops := map[string]bool{}
	for image := range slices.Chunk(images, bytesOf(p.size)) {
		crops[string(image)] = true
	}
	if len(crops) != 21 {
		t.Errorf("have %d different crops of 21", len(crops))
	}
	if again, _ := deal(1); !slices.Equal(again, images) {
		t.Error("the same seed deals others")
	}
	if other, _ := deal(2); slices.Equal(other, images) {
		t.Error("another seed deals the same")
	}
}

// TestFrozenStep holds a step of SGD against loops in float64: the classifier
// moves by −lr · 1/n Σ (softmax(W x + b) − onehot(y)) xᵀ, and nothing else moves.
func TestFrozenStep(t *testing.T) {
	const n, classes, seed = 6, 3, 4
	how := Tuning{Frozen: true, Optimizer: "sgd", LearningRate: 0.5, Batch: n, Steps: 2, Crop: 0.3} // the last step has rate 0
	p := noise(n)
	for i := range p.labels {
		p.labels[i] %= classes
	}
	all := []int{0, 1, 2, 3, 4, 5}
	b := goBackend(t)
	still := newTuned(t, how, classes)
	still.LearningRate = 0
	moved := newTuned(t, how, classes)
	for _, tuned := range []*tuned{still, moved} {
		if err := tuned.learn(t.Context(), b, p, all, seed); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range values(still.store, snapshot.EncoderScope) {
		if have := values(moved.store, snapshot.EncoderScope)[path]; !slices.Equal(have, want) {
			t.Errorf("%s moves, want it frozen", path)
		}
	}

	images, labels := (&deck{pixels: p, images: all, seed: seed, crop: how.Crop}).deal(n)
	x, err := newExtractor(b, encoderStore(t, 1), "tiny", false)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	stages, err := x.extract(t.Context(), pixels{size: p.size, data: images})
	if err != nil {
		t.Fatal(err)
	}
	f := stages[0]
	w, bias := classifier(still.store)
	wantW, wantB := slices.Clone(w), slices.Clone(bias)
	for i := range n {
		logits, total := make([]float64, classes), 0.
		for c := range classes {
			logits[c] = float64(bias[c])
			for j, v := range f.Row(i) {
				logits[c] += float64(w[c*f.Dim+j]) * float64(v)
			}
			total += math.Exp(logits[c])
		}
		for c := range classes {
			slope := math.Exp(logits[c]) / total
			if int(labels[i]) == c {
				slope--
			}
			wantB[c] -= float32(how.LearningRate * slope / n)
			for j, v := range f.Row(i) {
				wantW[c*f.Dim+j] -= float32(how.LearningRate * slope / n * float64(v))
			}
		}
	}
	haveW, haveB := classifier(moved.store)
	for i, want := range append(wantW, wantB...) {
		if have := append(slices.Clone(haveW), haveB...)[i]; math.Abs(float64(have-want)) > 1e-5 {
			t.Fatalf("weight %d: have %g, want %g", i, have, want)
		}
	}
}

func classifier(store *model.Store) (weight, bias []float32) {
	all := values(store, classifierScope)
	return all[classifierScope+"/fc.weight"], all[classifierScope+"/fc.bias"]
}

// TestTuningLearns: after some steps a network knows the images that it has
// seen, its encoder has learnt as well, and the same seed gives the same bits.
func TestTuningLearns(t *testing.T) {
	w := &world{t: t, datasets: new(bucket.Memory)}
	var images []image
	for class, name := range []string{"across", "along"} {
		w.draw("d/"+name, class, 12)
		for _, f := range files("d/"+name, 12, int32(class)) {
			f.Key = strings.Replace(f.Key, "/0", "/", 1)
			images = append(images, labelledImageOf(f))
		}
	}
	p, err := loadPixels(t.Context(), w.datasets, images, imageSize)
	if err != nil || p.broken > 0 {
		t.Fatalf("have %d broken images and %v", p.broken, err)
	}
	b := goBackend(t)
	learn := func() *tuned {
		tuned := newTuned(t, Tuning{Optimizer: "adamw", LearningRate: 3e-3, Batch: 8, Steps: 25, Crop: 0.5}, 2)
		which := make([]int, len(p.labels))
		for i := range which {
			which[i] = i
		}
		if err := tuned.learn(t.Context(), b, p, which, 1); err != nil {
			t.Fatal(err)
		}
		return tuned
	}
	once, twice := learn(), learn()
	predicted, err := once.predict(t.Context(), b, p)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, label := range p.labels {
		if predicted[i] == label {
			right++
		}
	}
	if right < 20 {
		t.Errorf("have %d of 24 images right, want nearly all", right)
	}
	before := values(encoderStore(t, 1), snapshot.EncoderScope)
	for _, scope := range []string{snapshot.EncoderScope, classifierScope} {
		again := values(twice.store, scope)
		for path, v := range values(once.store, scope) {
			if slices.Equal(before[path], v) {
				t.Errorf("%s has not moved", path)
			}
			if !slices.Equal(v, again[path]) {
				t.Errorf("%s differs the second time", path)
			}
		}
	}
}

// TestTuningStops when it is told to, and where there is no number.
func TestTuningStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	how := Tuning{Optimizer: "sgd", LearningRate: 1, Batch: 4, Steps: 2, Crop: 1}
	b, p := goBackend(t), noise(4)
	if err := newTuned(t, how, 7).learn(ctx, b, p, []int{0, 1, 2, 3}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v, want %v", err, context.Canceled)
	}
	bad := newTuned(t, how, 7)
	nan := slices.Repeat([]float32{float32(math.NaN())}, 128)
	if err := bad.store.GetVariable("/encoder/bn4.bias").SetValue(tensors.FromFlatDataAndDimensions(nan, 128)); err != nil {
		t.Fatal(err)
	}
	if err := bad.learn(t.Context(), b, p, []int{0, 1, 2, 3}, 1); err == nil || !strings.Contains(err.Error(), "the loss of step 1 is not a finite number") {
		t.Errorf("have %v, want the step that went wrong", err)
	}
}

// TestTuningConstants: budgets that change in silence make figures
// incomparable, so they are pinned, and told beside the value.
func TestTuningConstants(t *testing.T) {
	for _, tc := range []struct {
		how    Tuning
		images int
		want   map[string]string
	}{
		{DefaultSGD(), 2400, map[string]string{
			"optimizer": "sgd", "learning_rate": "0.3", "weight_decay": "1e-06", "batch": "256", "epochs": "100", "steps": "938",
			"crop": "0.08 to 1 of the image", "encoder": "frozen",
		}},
		{DefaultFineTune(), 24, map[string]string{
			"optimizer": "adamw", "learning_rate": "0.001", "weight_decay": "0.0001", "batch": "64", "epochs": "", "steps": "300",
			"crop": "0.5 to 1 of the image", "encoder": "learns, too",
		}},
	} {
		have := tc.how.constants(tc.images, 32)
		for name, want := range tc.want {
			if have[name] != want {
				t.Errorf("%s: have %q, want %q", name, have[name], want)
			}
		}
	}
}
