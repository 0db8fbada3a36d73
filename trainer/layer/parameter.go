package layer

import (
	"hash/crc32"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"selfstream/stages/random"
)

const seedParam = "selfstream_seed"

// SetSeed decides the first values of all variables that layers will create in
// the store. Layers panic where they must draw values and there is no seed.
func SetSeed(store *model.Store, seed uint64) {
	store.SetParam(model.JoinPath(model.RootScopePath, seedParam), seed)
}

// draw makes the i-th of the first values of a variable.
type draw func(key random.Key, i uint64) float64

// normal draws from N(0, std²).
func normal(std float64) draw {
	return func(key random.Key, i uint64) float64 { return std * key.Normal(i) }
}

// uniform draws from [−bound, bound).
func uniform(bound float64) draw {
	return func(key random.Key, i uint64) float64 { return key.Uniform(i, -bound, bound) }
}

// constant is no draw at all.
func constant(c float64) draw { return func(random.Key, uint64) float64 { return c } }

// variable returns the float32 variable of that name and shape below s. If
// there is none its first values are drawn here, on the host, from the seed
// and the variable's path: they are the same on every backend and do not
// depend on what was created before. A variable that exists, such as one that
// a snapshot was read into, is left as it is.
func variable(s *model.Scope, name string, first draw, dims ...int) *model.Variable {
	v := s.GetVariable(name)
	if v == nil {
		seed, ok := s.GetParam(seedParam)
		if !ok {
			exceptions.Panicf("layer: no seed to draw %s from: call layer.SetSeed before the graph is built", model.JoinPath(s.Scope(), name))
		}
		path := model.JoinPath(s.Scope(), name)
		key := random.New(seed.(uint64)).Fold(uint64(crc32.ChecksumIEEE([]byte(path))))
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
	return v
}

// parameter is the trainable variable's node in the type of x.
func parameter(s *model.Scope, name string, x *Node, first draw, dims ...int) *Node {
	return ConvertDType(variable(s, name, first, dims...).NodeValue(x), x.DType())
}

var _ = dtypes.Float32
var _ = math.Sqrt
