// Package layer turns images into features, one operation at a time: the
// layers that the encoders are built of, with the names, shapes and values of
// PyTorch's.
package layer

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Conv2D is the geometry of a convolution with square windows.
type Conv2D struct {
	Out                     int // channels
	Kernel, Stride, Padding int
}

// Conv is torch.nn.Conv2d without a bias: x is [B, H, W, C], the result
// [B, H', W', Out], and the weights name.weight are [Out, C, Kernel, Kernel].
func Conv(s *model.Scope, name string, x *Node, c Conv2D) *Node {
	in := x.Shape().Dim(-1)
	fanOut := float64(c.Out * c.Kernel * c.Kernel)
	w := parameter(s, name+".weight", x, normal(math.Sqrt(2/fanOut)), c.Out, in, c.Kernel, c.Kernel)
	w = TransposeAllAxes(w, 2, 3, 1, 0)
	return Convolve(x, w).Strides(c.Stride).PaddingPerDim([][2]int{{c.Padding, c.Padding}, {c.Padding, c.Padding}}).Done()
}

// BatchNorm is torch.nn.BatchNorm2d (or 1d) over all axes but the last.
func BatchNorm(s *model.Scope, name string, x *Node, training bool) *Node {
	channels := x.Shape().Dim(-1)
	weight := parameter(s, name+".weight", x, constant(1), channels)
	bias := parameter(s, name+".bias", x, constant(0), channels)
	runningMean := variable(s, name+".running_mean", constant(0), channels).SetTrainable(false)
	runningVar := variable(s, name+".running_var", constant(1), channels).SetTrainable(false)
	mean, variance := runningMean.NodeValue(x), runningVar.NodeValue(x)
	if training {
		axes := make([]int, x.Rank()-1)
		n := 1
		for i := range axes {
			axes[i] = i
			n *= x.Shape().Dim(i)
		}
		mean = ReduceMean(x, axes...)
		variance = ReduceMean(Square(Sub(x, ExpandLeftToRank(mean, x.Rank()))), axes...)
		unbiased := MulScalar(variance, float64(n)/float64(max(n-1, 1)))
		update := func(v *model.Variable, batch *Node) {
			batch = StopGradient(ConvertDType(batch, dtypes.Float32))
			v.SetNodeValue(Add(MulScalar(v.NodeValue(x), 0.9), MulScalar(batch, 0.1)))
		}
		update(runningMean, mean)
		update(runningVar, unbiased)
	}
	scale := Div(weight, Sqrt(AddScalar(variance, 1e-5)))
	shift := Sub(bias, Mul(mean, scale))
	return Add(Mul(x, ExpandLeftToRank(scale, x.Rank())), ExpandLeftToRank(shift, x.Rank()))
}

// Linear is torch.nn.Linear: x is [B, In], the result [B, out], name.weight is
// [out, In] and, with a bias, name.bias is [out].
func Linear(s *model.Scope, name string, x *Node, out int, bias bool) *Node {
	in := x.Shape().Dim(-1)
	first := uniform(1 / math.Sqrt(float64(in)))
	y := MatMul(x, TransposeAllAxes(parameter(s, name+".weight", x, first, out, in), 1, 0))
	if bias {
		y = Add(y, ExpandLeftToRank(parameter(s, name+".bias", x, first, out), 2))
	}
	return y
}

// MaxPool takes the largest value of each kernel×kernel window of x
// [B, H, W, C].
func MaxPool2D(x *Node, kernel, stride, padding int) *Node {
	return MaxPool(x).Window(kernel).Strides(stride).PaddingPerDim([][2]int{{padding, padding}, {padding, padding}}).Done()
}

// GlobalAveragePool turns [B, H, W, C] into [B, C].
func GlobalAveragePool(x *Node) *Node { return ReduceMean(x, 1, 2) }
