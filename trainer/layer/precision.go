package layer

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// precisionParam is the hyperparameter that SetPrecision sets.
const precisionParam = "selfstream_precision"

// SetPrecision decides the type of the factors of all convolutions and linear
// layers that layers will build over the store: bfloat16, or float32, which is
// what they have without it. As with PyTorch's autocast the variables stay
// float32 and are rounded where they are used, feature maps stay bfloat16 from
// one convolution to the next, and all that sums up many numbers is float32:
// batch normalisation with its statistics, averages over images, what linear
// layers return, losses. Kalamkar et al., 2019, "A Study of BFLOAT16 for Deep
// Learning Training", https://arxiv.org/abs/1905.12322.
func SetPrecision(store *model.Store, dtype dtypes.DType) {
	store.RootScope().SetParam(precisionParam, dtype)
}

// factor is float32 x in the type of SetPrecision.
//
// The backend in Go multiplies matrices of bfloat16 wrongly where it uses vectors
// (compute v0.1.3 built with GOEXPERIMENT=simd: with 16 columns and more the
// product is off by half). There, factors are rounded to that type and multiplied
// as float32, which is what a GPU does.
func factor(s *model.Scope, x *Node) *Node {
	dtype, ok := s.GetParam(precisionParam)
	if !ok || dtype.(dtypes.DType) == x.DType() || x.DType() != dtypes.Float32 {
		return x
	}
	rounded := ConvertDType(x, dtype.(dtypes.DType))
	if onGo(x) {
		return ConvertDType(rounded, x.DType())
	}
	return rounded
}

// wide is bfloat16 x as float32.
func wide(x *Node) *Node {
	if x.DType() != dtypes.BFloat16 {
		return x
	}
	return ConvertDType(x, dtypes.Float32)
}
