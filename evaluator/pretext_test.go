package evaluator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
	"selfstream/trainer/method"
	"selfstream/trainer/snapshot"
)

// contextRun is a run of context prediction.
var contextRun = schemas.Config{
	Method: "context", Settings: map[string]string{"fc6": "8", "fc7": "8"}, Encoder: "tiny", ImageSize: imageSize,
	Epochs: 1, Batch: 8, Optimizer: "sgd", LearningRate: 1, Seed: 5,
}

// state is what a training of that run begins with.
func (w *world) state(c schemas.Config) *model.Store {
	w.t.Helper()
	m, err := method.New(c.Method, c.Settings)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := encoder.New(c.Encoder)
	if err != nil {
		w.t.Fatal(err)
	}
	store := model.NewStore()
	layer.SetSeed(store, 1)
	exec := model.MustNewExec(w.backend, store, func(s *model.Scope, in []*Node) *Node {
		return m.Loss(method.Net{Encoder: e, Scope: s, Training: true}, method.Batch{
			Progress: Const(in[0].Graph(), float32(0)), Labels: in[0], Answers: in[0], Views: in[1:],
		}).Loss
	})
	in := []shapes.Shape{shapes.Make(dtypes.Int32, 2)}
	for _, size := range m.Recipe(c.ImageSize).Sizes() {
		in = append(in, shapes.Make(dtypes.Uint8, 2, size, size, 3))
	}
	if _, err := exec.Compile(in...); err != nil {
		w.t.Fatal(err)
	}
	return store
}

// stubborn is the state of a context prediction that always gives one answer.
func (w *world) stubborn(always int) *model.Store {
	w.t.Helper()
	store := w.state(contextRun)
	bias := make([]float32, schemas.Neighbours)
	bias[always] = 1e6
	if err := store.GetVariable("/head/classifier/fc9.bias").SetValue(tensors.FromFlatDataAndDimensions(bias, len(bias))); err != nil {
		w.t.Fatal(err)
	}
	return store
}

// stateSnapshot keeps and announces the state of a run; recipe is what it says
// that its views are.
func (w *world) stateSnapshot(step int, final bool, c schemas.Config, recipe schemas.Recipe, store *model.Store) {
	w.t.Helper()
	card, err := snapshot.Write(w.t.Context(), w.runs, store, snapshot.Card{
		Run: runName, Dataset: "stripes", Step: step, Config: c, Recipe: recipe, BatchesSHA256: strings.Repeat("0", 64),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.announce(step, final, card.WeightsSHA256)
}

// contextSnapshot is stateSnapshot of contextRun.
func (w *world) contextSnapshot(step int, final bool, store *model.Store) {
	w.t.Helper()
	m, err := method.New(contextRun.Method, contextRun.Settings)
	if err != nil {
		w.t.Fatal(err)
	}
	w.stateSnapshot(step, final, contextRun, m.Recipe(imageSize), store)
}

func (w *world) pretext() map[int]schemas.Report {
	w.t.Helper()
	reports := map[int]schemas.Report{}
	for _, r := range w.kept() {
		if r.Probe == Pretext {
			reports[r.Step] = r
		}
	}
	return reports
}

// TestPretext has networks that always give the same answer, each another. They
// are right as often as that is the answer; together, once for each image that
// is held out.
func TestPretext(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes/train/across", 0, 6)
	w.draw("stripes/train/along", 1, 6)
	w.draw("stripes/val/across", 0, 25)
	w.draw("stripes/val/nowhere else", 2, 15)
	w.put("stripes/val/across/broken.png", []byte("\x89PNG\r\n\x1a\nand then nothing"))
	for answer := range schemas.Neighbours {
		w.contextSnapshot(answer, answer == schemas.Neighbours-1, w.stubborn(answer))
	}
	want := []string{"0 linear", "0 knn", "0 balance", "0 pretext", "0 alignment", "0 uniformity", "0 rankme", "0 std"}
	names := w.evaluate(w.config(), len(want)*schemas.Neighbours)
	if have := names[:len(want)]; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	sum := 0.0
	for step, r := range w.pretext() {
		sum += r.Value
		right := r.Value * 40
		if r.Test != 40 || math.Abs(right-math.Round(right)) > 1e-4 || right > 20 {
			t.Errorf("answer %d: have %.3f of %d images, want a few of 40", step, r.Value, r.Test)
		}
		if r.Constants["choices"] != "8" || r.Constants["chance"] != "0.125" || !strings.Contains(r.Note, "1 of the 41 images to ask about could not be read") {
			t.Errorf("answer %d: have constants %v and note %q", step, r.Constants, r.Note)
		}
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("have all answers right %.3f times, want once", sum)
	}
}

// TestPretextWithoutUnseenImages: where all images are trained on, nobody is
// asked.
func TestPretextWithoutUnseenImages(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.contextSnapshot(0, true, w.stubborn(0))
	if have := w.evaluate(w.config(), 4); slices.Contains(have, "0 pretext") {
		t.Errorf("have %v, want no question", have)
	}
}

// TestPretextWithoutHead: a state without the head cannot answer, and the report
// says what is missing.
func TestPretextWithoutHead(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes/train", 0, 10)
	w.draw("stripes/val", 1, 4)
	w.contextSnapshot(3, true, encoderStore(t, 1))
	w.evaluate(w.config(), 1)
	reports := w.kept()
	if len(reports) != 1 || reports[0].Probe != Skipped || !strings.Contains(reports[0].Note, "/head/classifier/fc6.weight") {
		t.Errorf("have %s, want a report that names the head's first weights", fmt.Sprint(reports))
	}
}
