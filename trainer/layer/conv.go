package layer

import (
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// ConvNorm is torch.nn.Conv2d without a bias and torch.nn.BatchNorm2d behind it:
// it maps x [B, H, W, In] to [B, H', W', out], with conv.weight [out, In, Kernel,
// Kernel] and the variables of BatchNorm below norm. The weights are drawn first
// as torchvision's ResNets draw them: He et al., 2015,
// https://arxiv.org/abs/1502.01852, equation 14 (the fan-out form).
func ConvNorm(s *model.Scope, conv, norm string, x Maps, out int, w Window, training bool) Maps {
	x = x.factors(s)
	return convNorm(x, convWeight(s, conv, x, out, w), newNorm(s, norm, wide(x[0]), out, true), w, training)
}

// ConvNormPlain is ConvNorm with BatchNormPlain.
func ConvNormPlain(s *model.Scope, conv, norm string, x Maps, out int, w Window, training bool) Maps {
	x = x.factors(s)
	return convNorm(x, convWeight(s, conv, x, out, w), newNorm(s, norm, wide(x[0]), out, false), w, training)
}

func convWeight(s *model.Scope, name string, x Maps, out int, w Window) *Node {
	fanOut := float64(out * w.Kernel * w.Kernel)
	return factor(s, parameter(s, name+".weight", wide(x[0]), normal(math.Sqrt(2/fanOut)), out, x.Channels(), w.Kernel, w.Kernel))
}

func convNorm(x Maps, weight *Node, n norm, w Window, training bool) Maps {
	height, width, out := w.places(x[0].Shape().Dim(1)), w.places(x[0].Shape().Dim(2)), weight.Shape().Dim(0)
	var y Maps
	switch {
	case !onGo(weight):
		y = x.each(func(x *Node) *Node { return n.rows(Reshape(convNative(x, weight, w), -1, out), training) })
	case training:
		y = convByBatch(x, weight, n, w)
	default:
		scale, shift := n.known(weight.DType())
		kernels := withColumn(Mul(flatKernels(weight), column(scale)), shift)
		y = see(x, w).times(kernels)
	}
	return y.each(func(y *Node) *Node { return Reshape(y, -1, height, width, out) })
}

// factors are the maps as factors of a product.
func (m Maps) factors(s *model.Scope) Maps {
	return m.each(func(x *Node) *Node { return factor(s, x) })
}

// convNative leaves the convolution to the backend.
func convNative(x, weight *Node, w Window) *Node {
	return Convolve(x, TransposeAllAxes(weight, 2, 3, 1, 0)).Strides(w.Stride).PaddingPerDim(w.paddings()).Done()
}

// convByBatch is a convolution on the Go backend with the normalisation behind
// it: rows [B·H'·W', out].
func convByBatch(x Maps, weight *Node, n norm, w Window) Maps {
	var seen sight
	var b *batch
	inputs := append(slices.Clone(x), weight, n.weight, n.bias)
	return withGradient(inputs,
		func(in []*Node) []*Node {
			x, weight, scale, bias := in[:len(x)], in[len(x)], in[len(x)+1], in[len(x)+2]
			seen = see(x, w)
			kernels := flatKernels(weight)
			// The normalisation wants all rows relative to one of them, see batch.
			zero := Zeros(weight.Graph(), n.bias.Shape())
			first := dotRows(Slice(seen.rows[0], AxisRange(0, 1)), withColumn(kernels, zero))
			b = newBatch(seen.times(withColumn(kernels, Neg(first))), scale)
			n.follow(first, b)
			return b.normalised(bias)
		},
		func(dy []*Node) []*Node {
			dy, dweight, dbias := b.gradients(dy)
			dx, dkernels := seen.gradients(dy, weight)
			return append(dx, dkernels, dweight, dbias)
		})
}

// sight is what all windows over feature maps see, for convolutions as products
// of two matrices: on the Go backend some twenty times faster than its own, see
// BenchmarkConv.
type sight struct {
	Window
	height, width int     // of the maps
	rows          []*Node // of each part, [n·H'·W', Kernel·Kernel·In + 1]; the last column is 1
}

// see looks at all parts through the window.
func see(x Maps, w Window) sight {
	s := sight{Window: w, height: x[0].Shape().Dim(1), width: x[0].Shape().Dim(2)}
	height, width := w.places(s.height), w.places(s.width)
	for _, part := range x {
		ones := Ones(part.Graph(), shapes.Make(part.DType(), part.Shape().Dim(0), height, width, 1))
		s.rows = append(s.rows, side(append(taps(part, w.Kernel, w.Stride, w.Padding, height, width), ones)))
	}
	return s
}

// times multiplies with kernels [out, Kernel·Kernel·In + 1]: [n·H'·W', out].
func (s sight) times(kernels *Node) Maps {
	return Maps(s.rows).each(func(rows *Node) *Node { return dotRows(rows, kernels) })
}

// gradients are those of the maps and the weights [out, In, Kernel, Kernel],
// given that of the products.
func (s sight) gradients(dy []*Node, weight *Node) (dx []*Node, dweight *Node) {
	out, in := weight.Shape().Dim(0), weight.Shape().Dim(1)
	height, width := s.places(s.height), s.places(s.width)
	for i, dy := range dy {
		dx = append(dx, convInputGradient(Reshape(dy, -1, height, width, out), weight, s.Window, s.height, s.width))
		// The backend turns both sides of dyᵀ·rows around if it is asked for the
		// sum over rows. Turning dy alone is the smaller job.
		product := MatMul(turned(dy), s.rows[i])
		if dweight == nil {
			dweight = product
		} else {
			dweight = Add(dweight, product)
		}
	}
	dweight = Slice(dweight, AxisRange(), AxisRange(0, s.Kernel*s.Kernel*in))
	return dx, TransposeAllAxes(Reshape(dweight, out, s.Kernel, s.Kernel, in), 0, 3, 1, 2)
}

// flatKernels are weights [out, In, Kernel, Kernel] as rows in the order of a
// sight: [out, Kernel·Kernel·In].
func flatKernels(weight *Node) *Node {
	return Reshape(TransposeAllAxes(weight, 0, 2, 3, 1), weight.Shape().Dim(0), -1)
}

// withColumn puts a row [1, C] behind x [C, N] as a column.
func withColumn(x, row *Node) *Node { return Concatenate([]*Node{x, column(row)}, 1) }

func column(row *Node) *Node { return Reshape(row, -1, 1) }

// dotRows is a·bᵀ: every row of a times every row of b.
func dotRows(a, b *Node) *Node { return DotGeneral(a, []int{1}, nil, b, []int{1}, nil) }

// turned is xᵀ. For few columns the product with the identity is faster.
func turned(x *Node) *Node {
	columns := x.Shape().Dim(1)
	if columns > 32 {
		return TransposeAllAxes(x, 1, 0)
	}
	return dotRows(ConvertDType(Diagonal(x.Graph(), columns), x.DType()), x)
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
	x := Concatenate(taps, 3)
	return Reshape(x, -1, x.Shape().Dim(3))
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
