package layer

import (
	"math"
	"slices"

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
	if onGo(x) {
		return convMatMul(x, weight, w)
	}
	return convNative(x, weight, w)
}

// convNative leaves the convolution to the backend.
func convNative(x, weight *Node, w Window) *Node {
	return Convolve(x, TransposeAllAxes(weight, 2, 3, 1, 0)).Strides(w.Stride).PaddingPerDim(w.paddings()).Done()
}

// convMatMul is the convolution as a product of two matrices: what all windows
// see, and the weights. On the Go backend that is some twenty times faster, see
// BenchmarkConv.
func convMatMul(x, weight *Node, w Window) *Node {
	batch, height, width := x.Shape().Dim(0), w.places(x.Shape().Dim(1)), w.places(x.Shape().Dim(2))
	out, in := weight.Shape().Dim(0), weight.Shape().Dim(1)
	var seen *Node // [B·H'·W', K·K·In]
	return withGradient([]*Node{x, weight},
		func(inputs []*Node) *Node {
			seen = side(taps(inputs[0], w.Kernel, w.Stride, w.Padding, height, width))
			weight := Reshape(TransposeAllAxes(inputs[1], 0, 2, 3, 1), out, -1)
			y := DotGeneral(seen, []int{1}, nil, weight, []int{1}, nil)
			return Reshape(y, batch, height, width, out)
		},
		func(_, dy *Node) []*Node {
			// The backend turns both sides of dyᵀ·seen around if it is asked for
			// the sum over rows. Turning dy alone is the smaller job.
			turned := TransposeAllAxes(Reshape(dy, -1, out), 1, 0)
			dweight := Reshape(MatMul(turned, seen), out, w.Kernel, w.Kernel, in)
			return []*Node{
				convInputGradient(dy, weight, w, x.Shape().Dim(1), x.Shape().Dim(2)),
				TransposeAllAxes(dweight, 0, 3, 1, 2),
			}
		})
}

// convInputGradient is the gradient of the input, [B, height, width, In], from
// that of the result, dy [B, H', W', Out].
//
// Along one axis, with stride S and padding P, pixel S·q + a of the input
// (0 ≤ a < S) is tap r = a + P − S·d of the window at q + d. So the S pixels of
// q depend on dy at q + d for those d that make r a tap of the kernel: a
// convolution of dy with stride 1 that yields S pixels for each place and axis.
func convInputGradient(dy, weight *Node, w Window, height, width int) *Node {
	batch, out, in := dy.Shape().Dim(0), weight.Shape().Dim(0), weight.Shape().Dim(1)
	first := min(0, -((w.Kernel - 1 - w.Padding) / w.Stride))
	last := (w.Stride - 1 + w.Padding) / w.Stride
	n := last - first + 1
	rows, columns := ceilDiv(height, w.Stride), ceilDiv(width, w.Stride)

	seen := taps(dy, n, 1, -first, rows, columns)
	weight = TransposeAllAxes(weight, 2, 3, 0, 1)
	none := Zeros(dy.Graph(), shapes.Make(dy.DType(), out, in))
	bands := make([]*Node, w.Stride) // the input's rows S·q + a of each a
	for a := range bands {
		var left, right []*Node
		for di := range n {
			r := a + w.Padding - w.Stride*(first+di)
			if r < 0 || r >= w.Kernel {
				continue
			}
			for dj := range n {
				block := make([]*Node, w.Stride)
				for b := range block {
					block[b] = none
					if c := b + w.Padding - w.Stride*(first+dj); 0 <= c && c < w.Kernel {
						block[b] = Reshape(Slice(weight, AxisElem(r), AxisElem(c)), out, in)
					}
				}
				left, right = append(left, seen[di*n+dj]), append(right, Concatenate(block, 1))
			}
		}
		if len(left) == 0 { // no window sees these rows
			left, right = seen[:1], []*Node{Zeros(dy.Graph(), shapes.Make(dy.DType(), out, w.Stride*in))}
		}
		band := MatMul(side(left), Concatenate(right, 0))
		bands[a] = Reshape(band, batch, rows, 1, columns*w.Stride*in)
	}
	dx := Reshape(Concatenate(bands, 2), batch, rows*w.Stride, columns*w.Stride, in)
	if rows*w.Stride > height || columns*w.Stride > width {
		dx = Slice(dx, AxisRange(), AxisRange(0, height), AxisRange(0, width))
	}
	return dx
}

// taps are the kernel·kernel parts of what windows over x [B, H, W, C] see, each
// [B, height, width, C]. There are before zeros before the first pixel, and as
// many behind the last one as the windows reach over it.
func taps(x *Node, kernel, stride, before, height, width int) []*Node {
	x = pad(x, 1, before, (height-1)*stride+kernel)
	x = pad(x, 2, before, (width-1)*stride+kernel)
	if kernel == 1 && stride == 1 {
		return []*Node{x}
	}
	parts := make([]*Node, 0, kernel*kernel)
	for i := range kernel {
		for j := range kernel {
			parts = append(parts, Slice(x, AxisRange(), every(stride, i, height), every(stride, j, width)))
		}
	}
	return parts
}

// side lays taps side by side: one row for each window.
func side(taps []*Node) *Node {
	return Reshape(Concatenate(taps, 3), -1, len(taps)*taps[0].Shape().Dim(3))
}

// every selects n places from start on, a stride apart.
func every(stride, start, n int) SliceAxisSpec {
	return AxisRange(start, start+(n-1)*stride+1).Stride(stride)
}

// pad puts zeros before an axis, and behind it where it is still shorter than
// length. Unlike graph.Pad it has a gradient.
func pad(x *Node, axis, before, length int) *Node {
	zeros := func(n int) *Node {
		dims := slices.Clone(x.Shape().Dimensions)
		dims[axis] = n
		return Zeros(x.Graph(), shapes.Make(x.DType(), dims...))
	}
	parts := []*Node{x}
	if before > 0 {
		parts = []*Node{zeros(before), x}
	}
	if behind := length - before - x.Shape().Dim(axis); behind > 0 {
		parts = append(parts, zeros(behind))
	}
	return Concatenate(parts, axis)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
