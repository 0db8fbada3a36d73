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
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
	"selfstream/trainer/optim"
)

const (
	batch    = 16
	size     = 16
	allSteps = 12
)

// small are settings that make the heads of a method quick.
var small = map[string]map[string]string{
	"simclr": {"dim": "16"},
}

// student trains the encoder "tiny" on random images, as a trainer would.
type student struct {
	store  *model.Store
	exec   *model.Exec
	views  int
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
	s := &student{store: model.NewStore(), views: len(m.Recipe(size).Views)}
	layer.SetSeed(s.store, 1)
	s.exec, err = model.NewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
		lr, progress, labels, views := in[0], in[1], in[2], in[3:]
		r := m.Loss(
			Net{Encoder: e, Scope: scope, Training: true},
			Batch{Views: views, Labels: labels, Progress: progress},
		)
		optim.Minimize(o, scope.Store(), r.Loss, lr, 0)
		if r.After != nil {
			r.After()
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
	schedule := optim.Schedule{Peak: 1e-3, Warmup: 2, Steps: allSteps}
	in := []any{float32(schedule.At(step)), float32(optim.Progress(step, allSteps)), make([]int32, batch)}
	for view := range s.views {
		in = append(in, images(view))
	}
	out, err := s.exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	return float64(tensors.ToScalar[float32](out[0]))
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

// TestLearns: for every method, twelve steps lower the loss, and running
// statistics move while they do.
func TestLearns(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := newStudent(t, goBackend(t), newSmall(t, name))
			first := s.step(t, 0)
			last := first
			for i := 1; i < allSteps; i++ {
				last = s.step(t, i)
			}
			t.Logf("loss %.4f at first, %.4f at last, chance %.4f", first, last, s.chance)
			if !(last < 0.9*first) {
				t.Errorf("loss: have %g after %g, want less than 90 %% of it", last, first)
			}
			for v := range s.store.IterVariables() {
				if v.DType() != dtypes.Float32 {
					continue // a count of steps
				}
				x := tensors.MustCopyFlatData[float32](v.MustValue())
				if slices.ContainsFunc(x, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }) {
					t.Errorf("%s is not finite", v.Path())
				}
				if strings.HasSuffix(v.Path(), ".running_mean") && slices.Max(x) == 0 && slices.Min(x) == 0 {
					t.Errorf("%s did not move", v.Path())
				}
			}
		})
	}
}

// TestResume: for every method, twelve steps are five, a copy of all variables
// into a new store, and seven more, bit for bit.
func TestResume(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			b, m := goBackend(t), newSmall(t, name)
			straight, before, after := newStudent(t, b, m), newStudent(t, b, m), newStudent(t, b, m)
			for i := range allSteps {
				straight.step(t, i)
			}
			for i := range 5 {
				before.step(t, i)
			}
			for _, v := range slices.Backward(slices.Collect(before.store.IterVariables())) {
				if _, err := after.store.CreateVariable(v.Path(), v.MustValue()); err != nil {
					t.Fatal(err)
				}
			}
			for i := 5; i < allSteps; i++ {
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

func paths(store *model.Store) []string {
	var paths []string
	for v := range store.IterVariables() {
		paths = append(paths, v.Path())
	}
	slices.Sort(paths)
	return paths
}
