package layer

import (
	"math"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Conv is torch.nn.Conv2d without a bias: it maps x [B, H, W, In] to
// [B, H', W', out] with name.weight [out, In, Kernel, Kernel]. The weights are
// drawn first as torchvision's ResNets draw them: He et al., 2015,
// https://arxiv.org/abs/1502.01852, equation 14 (the fan-out form).
func Conv(s *model.Scope, name string, x *Node, out int, w Window) *Node {
	x.AssertRank(4)
	fanOut := float64(out * w.Kernel * w.Kernel)
	weight := parameter(s, name+".weight", x, normal(math.Sqrt(2/fanOut)), out, x.Shape().Dim(3), w.Kernel, w.Kernel)
	if x.Graph().Backend().String() == gobackend.BackendName {
		return convMatMul(x, weight, w)
	}
	return convNative(x, weight, w)
}

// convNative leaves the convolution to the backend.
func convNative(x, weight *Node, w Window) *Node {
	return Convolve(x, TransposeAllAxes(weight, 2, 3, 1, 0)).Strides(w.Stride).PaddingPerDim(w.paddings()).Done()
}

// convMatMul is the convolution as one product of the matrix of all windows
// with the matrix of all weights. On the Go backend it is some ten times
// faster than convNative, forward and backward.
func convMatMul(x, weight *Node, w Window) *Node {
	batch, out := x.Shape().Dim(0), weight.Shape().Dim(0)
	height, width := w.places(x.Shape().Dim(1)), w.places(x.Shape().Dim(2))
	windows := windows(x, w) // [B·H'·W', K·K·In]
	weight = Reshape(TransposeAllAxes(weight, 0, 2, 3, 1), out, -1)
	y := DotGeneral(windows, []int{1}, nil, weight, []int{1}, nil)
	return Reshape(y, batch, height, width, out)
}

// windows lays out x [B, H, W, C] as the matrix [B·H'·W', Kernel·Kernel·C]
// whose rows are what each window sees.
func windows(x *Node, w Window) *Node {
	height, width := w.places(x.Shape().Dim(1)), w.places(x.Shape().Dim(2))
	x = pad(pad(x, 1, w.Padding), 2, w.Padding)
	taps := make([]*Node, 0, w.Kernel*w.Kernel)
	for i := range w.Kernel {
		for j := range w.Kernel {
			taps = append(taps, Slice(x, AxisRange(), every(w.Stride, i, height), every(w.Stride, j, width)))
		}
	}
	return Reshape(Concatenate(taps, 3), -1, w.Kernel*w.Kernel*x.Shape().Dim(3))
}

// every selects n places from start on, a stride apart.
func every(stride, start, n int) SliceAxisSpec {
	return AxisRange(start, start+(n-1)*stride+1).Stride(stride)
}

// pad adds n zeros at both ends of an axis. Unlike graph.Pad it has a gradient.
func pad(x *Node, axis, n int) *Node {
	if n == 0 {
		return x
	}
	dims := append([]int(nil), x.Shape().Dimensions...)
	dims[axis] = n
	zeros := Zeros(x.Graph(), shapes.Make(x.DType(), dims...))
	return Concatenate([]*Node{zeros, x, zeros}, axis)
}
