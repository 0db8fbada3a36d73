package layer

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// TestPrecision holds layers in bfloat16 against the same in float32, with their
// gradients: as a whole they are as near as rounding to eight bits allows (where it
// moves a ReLU or the place of a maximum, single gradients are others), and what
// sums up many numbers comes as float32.
func TestPrecision(t *testing.T) {
	const batch, out = 6, 8
	w := Window{3, 1, 1}
	build := func(s *model.Scope, in []*Node) []*Node {
		m := ConvNorm(s, "conv1", "bn1", Cut(in[0]), out, Window{3, 2, 1}, true).ReLU().MaxPool(Window{3, 2, 1})
		m = ConvNorm(s, "conv2", "bn2", m, out, w, true).Add(m).ReLU()
		y := Linear(s, "fc", m.Average(), 4, true)
		flat := Linear(s, "map", Reshape(m.Whole(), batch, -1), 4, false)
		of := []*Node{in[0]}
		for _, name := range []string{"conv1.weight", "conv2.weight", "bn1.weight", "bn2.bias", "fc.weight", "fc.bias", "map.weight"} {
			of = append(of, s.GetVariable(name).NodeValue(y))
		}
		gradients := Gradient(ReduceAllSum(Mul(Add(y, flat), in[1])), of...)
		return append(gradients, y, flat, m.Whole(), s.GetVariable("bn2.running_var").NodeValue(y))
	}
	images, dy := single(normals(1, batch, 16, 16, 3)), single(normals(2, batch, 4))
	outputs := func(change func(store *model.Store)) []*tensors.Tensor {
		store := model.NewStore()
		SetSeed(store, 1)
		change(store)
		return run(t, store, build, images, dy)
	}
	want := outputs(func(*model.Store) {})
	have := outputs(func(store *model.Store) { SetPrecision(store, dtypes.BFloat16) })
	same := outputs(func(store *model.Store) { SetPrecision(store, dtypes.Float32) })
	for i := range want {
		if d := have[i].DType(); d != dtypes.Float32 {
			t.Errorf("output %d: have type %s, want float32", i, d)
		}
		exact := &array{want[i].Shape().Dimensions, flat(t, want[i])}
		if off := apart(flat(t, have[i]), exact.values); !(off <= 0.15) {
			t.Errorf("output %d: have an error of %.2g of its norm in bfloat16, want at most 0.15", i, off)
		}
		const sum = 6 // the gradient of fc.bias, of what is not rounded
		if i != sum && slices.Equal(flat(t, have[i]), exact.values) {
			t.Errorf("output %d: have the very numbers of float32", i)
		}
		compare(t, "in float32 by name", same[i], exact, 0)
	}
}

// apart is the norm of a difference, as a share of what it should be.
func apart(have, want []float64) float64 {
	var off, norm float64
	for i := range want {
		off += (have[i] - want[i]) * (have[i] - want[i])
		norm += want[i] * want[i]
	}
	return math.Sqrt(off / norm)
}

// single is the array in float32.
func single(a *array) *tensors.Tensor {
	values := make([]float32, len(a.values))
	for i, v := range a.values {
		values[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(values, a.dims...)
}
