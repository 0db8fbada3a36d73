package method

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/oracletest"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
	"selfstream/trainer/optim"
)

const (
	batch    = 8
	size     = 16
	classes  = 4
	allSteps = 6
)

// small are settings that make the heads of a method quick.
var small = map[string]map[string]string{
	"barlow":  {"dim": "16", "hidden": "32"},
	"byol":    {"dim": "16", "hidden": "32"},
	"context": {"fc6": "16", "fc7": "32", "grid": "false", "resample": "0.33"},
	"jigsaw":  {"fc6": "16", "fc7": "32", "permutations": "8", "puzzles": "1"},
	"kcl":     {"dim": "16"},
	"simclr":  {"dim": "16"},
	"supcon":  {"dim": "16"},
}

// student trains the encoder "tiny" on random images, as a trainer would.
type student struct {
	store  *model.Store
	exec   *model.Exec
	views  int
	lr     float64 // at the top of the schedule
	chance float64
}

func newStudent(t testing.TB, b compute.Backend, m Method) *student {
	t.Helper()
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	o, err := optim.New("adamw", 1e-4)
	if err != nil {
		t.Fatal(err)
	}
	s := &student{lr: 1e-3, store: model.NewStore(), views: len(m.Recipe(size).Sizes())}
	layer.SetSeed(s.store, 1)
	s.exec, err = model.NewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
		lr, progress := in[0], in[1]
		r := m.Loss(
			Net{Encoder: e, Scope: scope, Training: true},
			Batch{Progress: progress, Labels: in[2], Classes: classes, Answers: in[3], Views: in[4:]},
		)
		optim.Minimize(o, scope.Store(), r.Loss, lr, 0)
		if r.After != nil {
			r.After(progress)
		}
		s.chance = r.Chance
		out := []*Node{r.Loss, r.Embedding}
		for _, name := range slices.Sorted(maps.Keys(r.Values)) {
			out = append(out, r.Values[name])
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// step makes one step on the images of that batch and returns the loss.
func (s *student) step(t testing.TB, step int) float64 {
	t.Helper()
	out, err := s.exec.Call(s.inputs(step)...)
	if err != nil {
		t.Fatal(err)
	}
	return float64(tensors.ToScalar[float32](out[0]))
}

// compile builds the graph, and with it the variables, without a step.
func (s *student) compile(t testing.TB) {
	t.Helper()
	var in []shapes.Shape
	for _, x := range s.inputs(0) {
		in = append(in, x.(*tensors.Tensor).Shape())
	}
	if _, err := s.exec.Compile(in...); err != nil {
		t.Fatal(err)
	}
}

// inputs are the rate, the progress, the labels, the answers and the views of a
// step.
func (s *student) inputs(step int) []any {
	schedule := optim.Schedule{Peak: s.lr, Warmup: 2, Steps: allSteps}
	in := []any{
		tensors.FromScalar(float32(schedule.At(step))),
		tensors.FromScalar(float32(optim.Progress(step, allSteps))),
		tensors.FromFlatDataAndDimensions([]int32{0, 1, 2, 3, 0, 1, 2, 3}, batch),
		tensors.FromFlatDataAndDimensions([]int32{0, 1, 2, 3, 4, 5, 6, 7}, batch),
	}
	for view := range s.views {
		in = append(in, images(view))
	}
	return in
}

// images are the same 16 images always, each with a colour of its own, under
// the noise of a view.
func images(view int) *tensors.Tensor {
	colours, noise := random.New(7), random.New(8).Fold(uint64(view))
	pixels := make([]uint8, batch*size*size*3)
	for i := range pixels {
		image, channel := i/(size*size*3), i%3
		colour := colours.Uniform(uint64(image*3+channel), 60, 195)
		pixels[i] = uint8(colour + noise.Uniform(uint64(i), -60, 60))
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3)
}

func goBackend(t testing.TB) compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newSmall(t testing.TB, name string) Method {
	t.Helper()
	m, err := New(name, small[name])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLearns: for every method a few steps lower the loss, running statistics
// move while they do, and nothing runs away.
func TestLearns(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := newStudent(t, goBackend(t), newSmall(t, name))
			var losses []float64
			for i := range allSteps {
				losses = append(losses, s.step(t, i))
			}
			if first, last := losses[0], losses[allSteps-1]; !(last < 0.95*first) {
				t.Errorf("have losses %.4v, want the last below 95 %% of the first", losses)
			}
			for v := range s.store.IterVariables() {
				if v.DType() != dtypes.Float32 {
					continue // a count of steps
				}
				if err := finite([][]float32{flat(v)}); err != nil {
					t.Errorf("%s: %v", v.Path(), err)
				}
				if strings.HasSuffix(v.Path(), ".running_mean") && slices.Equal(flat(v), make([]float32, len(flat(v)))) {
					t.Errorf("%s did not move", v.Path())
				}
			}
		})
	}
}

// TestResume: for every method six steps are three, a copy of all variables
// into a new store, and three more, bit for bit.
func TestResume(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			b, m := goBackend(t), newSmall(t, name)
			straight, before, after := newStudent(t, b, m), newStudent(t, b, m), newStudent(t, b, m)
			for i := range allSteps {
				straight.step(t, i)
			}
			for i := range allSteps / 2 {
				before.step(t, i)
			}
			for _, v := range slices.Backward(slices.Collect(before.store.IterVariables())) {
				if _, err := after.store.CreateVariable(v.Path(), v.MustValue()); err != nil {
					t.Fatal(err)
				}
			}
			for i := allSteps / 2; i < allSteps; i++ {
				after.step(t, i)
			}
			have, want := paths(after.store), paths(straight.store)
			if !slices.Equal(have, want) {
				t.Fatalf("variables: have %v, want %v", have, want)
			}
			for _, path := range want {
				have := fmt.Sprint(after.store.GetVariable(path).MustValue().Value())
				want := fmt.Sprint(straight.store.GetVariable(path).MustValue().Value())
				if have != want {
					t.Errorf("%s differs after a resume", path)
				}
			}
		})
	}
}

// TestViews: a batch with a view too few or too many is refused, and not trained
// on wrongly.
func TestViews(t *testing.T) {
	for _, name := range Names() {
		s := newStudent(t, goBackend(t), newSmall(t, name))
		in := s.inputs(0)
		for _, wrong := range [][]any{in[:len(in)-1], append(slices.Clone(in), in[len(in)-1])} {
			views := len(wrong) - len(in) + s.views
			want := fmt.Sprintf("have a batch of %d views, want %d", views, s.views)
			if _, err := s.exec.Call(wrong...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: have %v, want %q", name, err, want)
			}
		}
	}
}

// TestChance: the loss that a method calls that of blind guessing is the loss
// of embeddings that are the same for every image.
func TestChance(t *testing.T) {
	alike := [][]float32{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}}
	for _, tc := range []struct {
		name string
		loss func(in []*Node) *Node
		want float64
	}{
		{"simclr", contrast(0.2), math.Log(2*5 - 1)},
		{"supcon", bySupCon(0.1, 0, 1, 1, 0, 2), math.Log(2*5 - 1)},
		{"kcl", byKCL(0.1, 2, 0, 1, 1, 0, 1), math.Log(2*5 - 1)},
		{"barlow", correlation(0.005), 3}, // dimensions
	} {
		have, _ := gradients(t, tc.loss, alike, alike)
		if err := near(have, tc.want, 1e-5); err != nil {
			t.Errorf("%s, all images alike: %v", tc.name, err)
		}
		s := newStudent(t, goBackend(t), newSmall(t, tc.name))
		s.compile(t)
		want := math.Log(2*batch - 1)
		if tc.name == "barlow" {
			want = 16
		}
		if err := near(s.chance, want, 1e-12); err != nil {
			t.Errorf("%s, chance: %v", tc.name, err)
		}
	}
}

// TestLabels: only methods that say so learn from labels.
func TestLabels(t *testing.T) {
	for _, name := range Names() {
		m := newSmall(t, name)
		var losses []float64
		for _, labels := range [][]int32{{0, 1, 2, 3, 0, 1, 2, 3}, {0, 0, 0, 0, 3, 3, 3, 3}} {
			s := newStudent(t, goBackend(t), m)
			in := s.inputs(0)
			in[2] = tensors.FromFlatDataAndDimensions(labels, batch)
			out, err := s.exec.Call(in...)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, float64(tensors.ToScalar[float32](out[0])))
		}
		if learns := losses[0] != losses[1]; learns != m.Training().Labels {
			t.Errorf("%s: have losses %v with other labels, want them to differ: %v", name, losses, m.Training().Labels)
		}
	}
}

// TestPasses: SimCLR and its like, context prediction and jigsaw send all views
// through the encoder in one pass, Barlow Twins and BYOL one by one. Running averages, which
// keep 0.9, tell: of two passes with the mean m they have 0.19·m, of one 0.1·m.
func TestPasses(t *testing.T) {
	means := map[string][]float32{}
	for _, name := range Names() {
		s := newStudent(t, goBackend(t), newSmall(t, name))
		in := s.inputs(0)
		for view := range s.views {
			in[4+view] = in[4] // the same again
		}
		if _, err := s.exec.Call(in...); err != nil {
			t.Fatal(err)
		}
		means[name] = flat(s.store.GetVariable("/encoder/bn1.running_mean"))
	}
	for _, name := range []string{"context", "jigsaw", "kcl", "supcon", "supervised"} {
		if d := oracletest.Distance(means[name], means["simclr"]); !(d < 1e-5) {
			t.Errorf("%s: have a running mean %.4v, want %.4v", name, means[name], means["simclr"])
		}
	}
	for _, name := range []string{"barlow", "byol"} {
		twice := affine([][]float32{means["simclr"]}, 1.9, 0)[0]
		if d := oracletest.Distance(means[name], twice); !(d < 1e-5) {
			t.Errorf("%s: have a running mean %.4v, want %.4v", name, means[name], twice)
		}
	}
}

// TestInference: without training nothing in the store moves.
func TestInference(t *testing.T) {
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			b, m := goBackend(t), newSmall(t, name)
			s := newStudent(t, b, m)
			s.compile(t)
			exec := model.MustNewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
				r := m.Loss(Net{Encoder: e, Scope: scope}, Batch{Progress: in[1], Labels: in[2], Classes: classes, Answers: in[3], Views: in[4:]})
				for v := range s.store.IterVariables() {
					if v.ChangedInGraph(r.Loss.Graph()) {
						t.Errorf("%s moves", v.Path())
					}
				}
				return []*Node{r.Loss}
			})
			if _, err := exec.Call(s.inputs(0)...); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestEmbeddings: of two views the embeddings of the first lie above those of the
// second, image by image; without training, where neither knows of the other,
// they change places with their views.
func TestEmbeddings(t *testing.T) {
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		b, m := goBackend(t), newSmall(t, name)
		if len(m.Recipe(size).Views) != 2 {
			continue
		}
		s := newStudent(t, b, m)
		s.compile(t)
		exec := model.MustNewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
			r := m.Loss(Net{Encoder: e, Scope: scope}, Batch{Progress: in[1], Labels: in[2], Answers: in[3], Views: in[4:]})
			return []*Node{r.Embedding, r.Loss}
		})
		in, swapped := s.inputs(0), s.inputs(0)
		swapped[4], swapped[5] = swapped[5], swapped[4]
		have, want := exec.MustCall(in...)[0], tensors.MustCopyFlatData[float32](exec.MustCall(swapped...)[0])
		if have.Shape().Dim(0) != 2*batch {
			t.Errorf("%s: have an embedding of %s, want two rows for each of %d images", name, have.Shape(), batch)
			continue
		}
		half := len(want) / 2
		want = slices.Concat(want[half:], want[:half])
		if d := oracletest.Distance(tensors.MustCopyFlatData[float32](have), want); !(d < 1e-4) {
			t.Errorf("%s: have embeddings that are off by %.2g from those of views that changed places", name, d)
		}
	}
}

func flat(v *model.Variable) []float32 { return tensors.MustCopyFlatData[float32](v.MustValue()) }

func paths(store *model.Store) []string {
	var paths []string
	for v := range store.IterVariables() {
		paths = append(paths, v.Path())
	}
	slices.Sort(paths)
	return paths
}
