package layer

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/random"
)

// goBackend is the backend of all tests.
var goBackend = sync.OnceValue(func() compute.Backend {
	b, _, err := backend.Open("go")
	if err != nil {
		panic(err)
	}
	return b
})

// array is a float64 array of the tests' loops.
type array struct {
	dims   []int
	values []float64
}

func newArray(dims ...int) *array {
	size := 1
	for _, d := range dims {
		size *= d
	}
	return &array{dims, make([]float64, size)}
}

// normals draws an array from the standard normal distribution.
func normals(seed uint64, dims ...int) *array {
	a := newArray(dims...)
	for i := range a.values {
		a.values[i] = random.New(seed).Normal(uint64(i))
	}
	return a
}

// at is the place of the element with that index.
func (a *array) at(index ...int) *float64 {
	flat := 0
	for axis, i := range index {
		flat = flat*a.dims[axis] + i
	}
	return &a.values[flat]
}

func (a *array) tensor() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Clone(a.values), a.dims...)
}

// compare wants the tensor's shape to be a's, and its values within tolerance
// of a's largest.
func compare(t *testing.T, what string, have *tensors.Tensor, want *array, tolerance float64) {
	t.Helper()
	if !slices.Equal(have.Shape().Dimensions, want.dims) {
		t.Fatalf("%s: have shape %v, want %v", what, have.Shape().Dimensions, want.dims)
	}
	largest := 0.0
	for _, v := range want.values {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range flat(t, have) {
		if math.Abs(v-want.values[i]) > tolerance*largest || math.IsNaN(v) {
			t.Fatalf("%s: have %g, want %g at %d of %v", what, v, want.values[i], i, want.dims)
		}
	}
}

// flat is the tensor's content as float64.
func flat(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	var out []float64
	err := x.ConstFlatData(func(data any) {
		switch data := data.(type) {
		case []float64:
			out = slices.Clone(data)
		case []float32:
			for _, v := range data {
				out = append(out, float64(v))
			}
		default:
			t.Fatalf("have values of type %T, want floats", data)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run builds and runs a graph on a store.
func run(t *testing.T, store *model.Store, build func(s *model.Scope, in []*Node) []*Node, in ...any) []*tensors.Tensor {
	t.Helper()
	exec, err := model.NewExec(goBackend(), store, build)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// value is a variable's content.
func value(t *testing.T, store *model.Store, path string) *tensors.Tensor {
	t.Helper()
	v := store.GetVariable(path)
	if v == nil {
		t.Fatalf("variable %s: have none", path)
	}
	x, err := v.Value()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestLinear(t *testing.T) {
	const batch, in, out = 5, 7, 3
	store := model.NewStore()
	SetSeed(store, 1)
	x := normals(1, batch, in)
	have := run(t, store, func(s *model.Scope, n []*Node) []*Node {
		return []*Node{Linear(s, "fc", n[0], out, true), Linear(s, "plain", n[0], out, false)}
	}, x.tensor())
	for i, name := range []string{"fc", "plain"} {
		w := &array{[]int{out, in}, flat(t, value(t, store, name+".weight"))}
		bias := make([]float64, out)
		if name == "fc" {
			bias = flat(t, value(t, store, "fc.bias"))
		}
		want := newArray(batch, out)
		for b := range batch {
			for o := range out {
				sum := bias[o]
				for k := range in {
					sum += *x.at(b, k) * *w.at(o, k)
				}
				*want.at(b, o) = sum
			}
		}
		compare(t, name, have[i], want, 1e-12)
	}
	if store.GetVariable("plain.bias") != nil {
		t.Error("a layer without a bias: have the variable plain.bias, want none")
	}
}

// TestFirstValues holds the first values against the distributions that PyTorch
// and torchvision draw from, within five standard errors.
func TestFirstValues(t *testing.T) {
	store := model.NewStore()
	SetSeed(store, 3)
	run(t, store, func(s *model.Scope, in []*Node) []*Node {
		y := ConvNorm(s, "conv", "bn", Maps{in[0]}, 64, Window{3, 1, 1}, true).Average()
		return []*Node{Linear(s, "fc", y, 1000, true)}
	}, newArray(1, 4, 4, 40).tensor())
	for _, tc := range []struct {
		path     string
		variance float64
	}{
		{"conv.weight", 2. / (64 * 3 * 3)}, // normal, by the fan-out
		{"fc.weight", 1. / 64 / 3},         // uniform on ±1/√64
		{"fc.bias", 1. / 64 / 3},
	} {
		values := flat(t, value(t, store, tc.path))
		var sum, squares float64
		for _, v := range values {
			sum, squares = sum+v, squares+v*v
		}
		n := float64(len(values))
		if have, bound := sum/n, 5*math.Sqrt(tc.variance/n); math.Abs(have) > bound {
			t.Errorf("mean of %s: have %g, want 0 ± %g", tc.path, have, bound)
		}
		if have := squares / n / tc.variance; math.Abs(have-1) > 5*math.Sqrt(2/n) {
			t.Errorf("variance of %s: have %g times what it should be, want 1", tc.path, have)
		}
	}
}

// TestSeedDecides: first values depend on the seed and the variable's path,
// never on what else there is, and never replace values that exist.
func TestSeedDecides(t *testing.T) {
	weight := func(seed uint64, scope string, layers ...string) []float64 {
		store := model.NewStore()
		SetSeed(store, seed)
		run(t, store, func(s *model.Scope, in []*Node) []*Node {
			var out []*Node
			for _, name := range layers {
				out = append(out, Linear(s.At("%s", scope), name, in[0], 3, false))
			}
			return out
		}, newArray(1, 4).tensor())
		return flat(t, value(t, store, scope+"/b.weight"))
	}
	want := weight(1, "net", "a", "b")
	for _, tc := range []struct {
		name  string
		have  []float64
		equal bool
	}{
		{"again", weight(1, "net", "a", "b"), true},
		{"in another order", weight(1, "net", "b", "a"), true},
		{"alone", weight(1, "net", "b"), true},
		{"of another seed", weight(2, "net", "a", "b"), false},
		{"of another scope", weight(1, "head", "a", "b"), false},
	} {
		if equal := slices.Equal(tc.have, want); equal != tc.equal {
			t.Errorf("values %s equal the first ones: have %t, want %t", tc.name, equal, tc.equal)
		}
	}
}

func TestValuesThatExistAreKept(t *testing.T) {
	store := model.NewStore() // without a seed: none is needed
	kept := normals(5, 2, 3)
	values := make([]float32, len(kept.values))
	for i, v := range kept.values {
		values[i] = float32(v)
		kept.values[i] = float64(values[i])
	}
	if _, err := store.CreateVariable("fc.weight", tensors.FromFlatDataAndDimensions(values, 2, 3)); err != nil {
		t.Fatal(err)
	}
	run(t, store, func(s *model.Scope, in []*Node) []*Node {
		return []*Node{Linear(s, "fc", in[0], 2, false)}
	}, newArray(1, 3).tensor())
	compare(t, "weight", value(t, store, "fc.weight"), kept, 0)
}

func TestNoSeed(t *testing.T) {
	exec, err := model.NewExec(goBackend(), model.NewStore(), func(s *model.Scope, x *Node) *Node {
		return Linear(s, "fc", x, 2, true)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.Call(newArray(1, 3).tensor())
	if err == nil || !strings.Contains(err.Error(), "no seed to draw /fc.weight from") {
		t.Errorf("have error %v, want one that names the variable and what to do", err)
	}
}
