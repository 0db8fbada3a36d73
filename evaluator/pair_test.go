package evaluator

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/trainer/method"
)

// barlowRun is a run of Barlow Twins.
var barlowRun = schemas.Config{
	Method: "barlow", Settings: map[string]string{"hidden": "8", "dim": "6"}, Encoder: "tiny", ImageSize: imageSize,
	Epochs: 1, Batch: 8, Optimizer: "sgd", LearningRate: 1, Seed: 5,
}

// still is a view with nothing left to chance.
var still = schemas.View{Size: imageSize, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}}

// TestFiguresOfPairs has two images at right angles and views of which the
// second is turned by 60 degrees, then embeddings of one dimension that agrees
// and one that does not.
func TestFiguresOfPairs(t *testing.T) {
	cos, sin := float32(math.Cos(math.Pi/3)), float32(math.Sin(math.Pi/3))
	task := Task{
		Pair: [2]Features{
			{Dim: 2, X: []float32{5, 0, 0, 1}},
			{Dim: 2, X: []float32{cos, sin, -3 * sin, 3 * cos}},
		},
		Embedded: [2]Features{
			{Dim: 2, X: []float32{1, 1, 1, -1, -1, 1, -1, -1}},
			{Dim: 2, X: []float32{1, 1, 1, 1, -1, -1, -1, -1}},
		},
	}
	for _, tc := range []struct {
		p         Probe
		want      float64
		constants string
	}{
		{Alignment{}, 1, "map[alpha:2 views:simclr]"},
		{Uniformity{}, -4, "map[even_on_the_sphere:0 t:2 views:simclr]"},
		{Invariance{}, 0.5, "map[dimensions:2 views:the run's own]"},
		{Redundancy{}, math.Sqrt(0.5), "map[dimensions:2 noise:0.5 views:the run's own]"}, // 1 and 0 off the diagonal
	} {
		v := judge(t, tc.p, task)
		if math.Abs(v.Value-tc.want) > 2e-5 || fmt.Sprint(v.Constants) != tc.constants || v.Test != 0 {
			t.Errorf("%s: have %.6f with %v, want %.6f with %s", tc.p.Name(), v.Value, v.Constants, tc.want, tc.constants)
		}
	}
}

// TestRunCorrelates: where both views of an image are the same every dimension
// agrees with itself; with a head that says nothing none does. The matrix is in
// the exhibit.
func TestRunCorrelates(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes/train/across", 0, 12)
	w.draw("stripes/train/along", 1, 12)
	w.draw("stripes/val/across", 0, 9)
	w.draw("stripes/val/along", 1, 9)
	recipe := schemas.Recipe{Views: []schemas.View{still, still}}
	for step := range 2 {
		store := w.state(barlowRun)
		v := store.GetVariable("/head/projector/fc3.weight")
		weights := tensors.MustCopyFlatData[float32](v.MustValue())
		for i := range weights {
			weights[i] *= []float32{1000, 0}[step] // so that ε is small beside the variance, or there is none
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(weights, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
		w.stateSnapshot(step, step == 1, barlowRun, recipe, store)
	}
	names := w.evaluate(w.config(), 18)
	want := []string{"0 linear", "0 knn", "0 balance", "0 alignment", "0 uniformity", "0 invariance", "0 redundancy", "0 rankme", "0 std"}
	if !slices.Equal(names[:9], want) {
		t.Errorf("have %v, want %v", names[:9], want)
	}
	for _, r := range w.kept() {
		if r.Probe != "invariance" && r.Probe != "redundancy" {
			continue
		}
		if r.Train != 18 || r.Constants["dimensions"] != "6" {
			t.Errorf("%s: have %d images and %v, want the 18 held out and 6 dimensions", r.Probe, r.Train, r.Constants)
		}
		c := w.exhibit(r.Step).Correlation
		if len(c) != 36 {
			t.Fatalf("step %d: have a matrix of %d, want 6×6", r.Step, len(c))
		}
		want := 1.
		if r.Step == 1 {
			want = 0
		}
		for i := range 6 {
			if r.Probe == "invariance" && (math.Abs(r.Value-want) > 0.01 || math.Abs(float64(c[7*i])-want) > 0.01) {
				t.Errorf("step %d: have %g and a diagonal of %g, want %g", r.Step, r.Value, c[7*i], want)
			}
		}
		if r.Probe == "redundancy" && (r.Step == 0) != (r.Value > 0.01) {
			t.Errorf("step %d: have %g, want dimensions that go together by chance, and none of a dead head", r.Step, r.Value)
		}
	}
}

// TestEmbedEveryMethod of two views: what is told of it is not the end of its
// graph.
func TestEmbedEveryMethod(t *testing.T) {
	w := &world{t: t}
	var err error
	if w.backend, _, err = backend.Open("go"); err != nil {
		t.Fatal(err)
	}
	for _, name := range method.Names() {
		m, err := method.New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		recipe := m.Recipe(imageSize)
		if len(recipe.Views) != 2 {
			continue
		}
		l := looks{sizes: recipe.Sizes(), answers: make([]int32, networkBatch+2)}
		for range l.sizes {
			l.views = append(l.views, noise(l.len()).data)
		}
		c := schemas.Config{Method: name, Encoder: "tiny", ImageSize: imageSize}
		store := w.state(c)
		e, err := embed(t.Context(), w.backend, store, c, l)
		if err != nil || e[0].Len() != l.len() || !slices.Equal(e[0].X, e[1].X) {
			t.Errorf("%s: have %d embeddings and %v, want the same of %d images twice", name, e[0].Len(), err, l.len())
		}
		store.Finalize()
	}
}

// TestPairedImages are held-out ones, as many as there is room for.
func TestPairedImages(t *testing.T) {
	two := schemas.Recipe{Views: []schemas.View{still, still}}
	each := int64(2 * two.BytesPerImage())
	labelled := selection{Train: make([]image, 4000), Test: make([]image, 900)}
	for i := range labelled.Test {
		labelled.Test[i].Key = "test " + strconv.Itoa(i)
	}
	for _, tc := range []struct {
		name  string
		s     selection
		bytes int64
		want  int
		held  bool
	}{
		{"held out", labelled, 1 << 40, pairImages, true},
		{"no labels", selection{Train: make([]image, 40)}, 1 << 40, 40, false},
		{"little room", labelled, 7 * each, 7, true},
	} {
		have := tc.s.paired(two, two, tc.bytes)
		if len(have) != tc.want || (have[0].Key != "") != tc.held {
			t.Errorf("%s: have %d images such as %q, want %d", tc.name, len(have), have[0].Key, tc.want)
		}
	}
}
