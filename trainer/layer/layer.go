// Package layer turns images into features one operation at a time: the layers
// that encoders and heads are built of, with the names, shapes and values of
// PyTorch's, so that weights can be exchanged with it.
//
// A layer is a function that adds to a graph. Its parameters are variables of
// the scope, such as "layer1.0.conv1.weight"; feature maps are [B, H, W, C].
package layer

import (
	"hash/fnv"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"selfstream/stages/random"
)

// seedParam is the hyperparameter that SetSeed sets.
const seedParam = "selfstream_seed"

// SetSeed decides the first values of all variables that layers will create in
// the store. It is not needed where all of them exist, as in a store that a
// snapshot was read into.
func SetSeed(store *model.Store, seed uint64) {
	store.RootScope().SetParam(seedParam, seed)
}

// variable returns the float32 variable of that name below s. If there is none
// it is made, its first values drawn here, on the host, from the seed and the
// variable's path: they are the same on every backend, and do not depend on
// what was made before. A variable that exists keeps its value.
func variable(s *model.Scope, name string, first draw, dims ...int) *model.Variable {
	if v := s.GetVariable(name); v != nil {
		return v
	}
	path := model.JoinPath(s.Scope(), name)
	seed, ok := s.GetParam(seedParam)
	if !ok {
		exceptions.Panicf("layer: no seed to draw %s from; call layer.SetSeed on the store first", path)
	}
	hash := fnv.New64a()
	hash.Write([]byte(path))
	key := random.New(seed.(uint64)).Fold(hash.Sum64())

	size := 1
	for _, d := range dims {
		size *= d
	}
	values := make([]float32, size)
	for i := range values {
		values[i] = float32(first(key, uint64(i)))
	}
	return s.VariableWithValue(name, tensors.FromFlatDataAndDimensions(values, dims...))
}

// parameter is the value of a trainable variable in the type of x.
func parameter(s *model.Scope, name string, x *Node, first draw, dims ...int) *Node {
	return ConvertDType(variable(s, name, first, dims...).NodeValue(x), x.DType())
}

// A draw is the i-th first value of a variable with that key.
type draw func(key random.Key, i uint64) float64

func constant(c float64) draw {
	return func(random.Key, uint64) float64 { return c }
}

func normal(std float64) draw {
	return func(key random.Key, i uint64) float64 { return std * key.Normal(i) }
}

func uniform(bound float64) draw {
	return func(key random.Key, i uint64) float64 { return key.Uniform(i, -bound, bound) }
}

// Linear is torch.nn.Linear: it maps x [B, In] to [B, out] with name.weight
// [out, In] and, with bias, name.bias [out]. Both are drawn first from
// ±1/√In, as there.
func Linear(s *model.Scope, name string, x *Node, out int, bias bool) *Node {
	x.AssertRank(2)
	x = wide(x)
	in := x.Shape().Dim(1)
	first := uniform(1 / math.Sqrt(float64(in)))
	w := parameter(s, name+".weight", x, first, out, in)
	y := wide(DotGeneral(factor(s, x), []int{1}, nil, factor(s, w), []int{1}, nil))
	if bias {
		y = Add(y, Reshape(parameter(s, name+".bias", x, first, out), 1, out))
	}
	y.AssertDims(x.Shape().Dim(0), out)
	return y
}
