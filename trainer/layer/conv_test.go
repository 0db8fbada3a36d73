package layer

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// convLoops is the convolution by its definition, and the gradients of
// Σ dy·y with respect to x [B, H, W, C] and weight [O, C, K, K].
func convLoops(x, weight, dy *array, w Window) (y, dx, dweight *array) {
	batch, height, width := x.dims[0], w.places(x.dims[1]), w.places(x.dims[2])
	y = newArray(batch, height, width, weight.dims[0])
	dx, dweight = newArray(x.dims...), newArray(weight.dims...)
	for b := range batch {
		for i := range height {
			for j := range width {
				for o := range weight.dims[0] {
					for ki := range w.Kernel {
						for kj := range w.Kernel {
							r, c := i*w.Stride-w.Padding+ki, j*w.Stride-w.Padding+kj
							if r < 0 || r >= x.dims[1] || c < 0 || c >= x.dims[2] {
								continue
							}
							for in := range x.dims[3] {
								*y.at(b, i, j, o) += *x.at(b, r, c, in) * *weight.at(o, in, ki, kj)
								*dx.at(b, r, c, in) += *dy.at(b, i, j, o) * *weight.at(o, in, ki, kj)
								*dweight.at(o, in, ki, kj) += *dy.at(b, i, j, o) * *x.at(b, r, c, in)
							}
						}
					}
				}
			}
		}
	}
	return y, dx, dweight
}

// convMatMul is the convolution that convByBatch makes, by itself, in parts of one
// image.
func convMatMul(x, weight *Node, w Window) *Node {
	var seen sight
	out := weight.Shape().Dim(0)
	y := withGradient(append(cut(x, 1), weight),
		func(in []*Node) []*Node {
			seen = see(in[:len(in)-1], w)
			zero := Zeros(weight.Graph(), shapes.Make(weight.DType(), 1, out))
			return seen.times(withColumn(flatKernels(in[len(in)-1]), zero))
		},
		func(dy []*Node) []*Node {
			dx, dweight := seen.gradients(dy, weight)
			return append(dx, dweight)
		})
	return Reshape(whole(y), -1, w.places(x.Shape().Dim(1)), w.places(x.Shape().Dim(2)), out)
}

// TestConv holds both forms of the convolution against loops, with their
// gradients.
func TestConv(t *testing.T) {
	for _, form := range []struct {
		name string
		conv func(x, weight *Node, w Window) *Node
	}{{"matmul", convMatMul}, {"native", convNative}} {
		for _, tc := range []struct {
			in, out, height, width int
			w                      Window
		}{
			{3, 4, 8, 8, Window{3, 2, 1}},
			{3, 4, 7, 9, Window{3, 2, 1}},
			{2, 3, 6, 5, Window{3, 1, 1}},
			{2, 3, 6, 5, Window{3, 1, 0}},
			{5, 2, 4, 6, Window{1, 1, 0}},
			{5, 2, 4, 7, Window{1, 2, 0}},
			{3, 2, 12, 11, Window{7, 2, 3}},
			{2, 3, 13, 14, Window{5, 3, 2}},
			{2, 3, 15, 15, Window{11, 4, 2}},
			{2, 3, 16, 17, Window{11, 4, 2}},
			{2, 2, 10, 10, Window{3, 3, 0}},
			{1, 2, 2, 2, Window{3, 2, 1}},
		} {
			t.Run(fmt.Sprintf("%s/%dto%d/%dx%d/%v", form.name, tc.in, tc.out, tc.height, tc.width, tc.w), func(t *testing.T) {
				x := normals(1, 2, tc.height, tc.width, tc.in)
				weight := normals(2, tc.out, tc.in, tc.w.Kernel, tc.w.Kernel)
				dy := normals(3, 2, tc.w.places(tc.height), tc.w.places(tc.width), tc.out)
				have := run(t, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
					y := form.conv(in[0], in[1], tc.w)
					gradients := Gradient(ReduceAllSum(Mul(y, in[2])), in[0], in[1])
					return append([]*Node{y}, gradients...)
				}, x.tensor(), weight.tensor(), dy.tensor())
				y, dx, dweight := convLoops(x, weight, dy, tc.w)
				compare(t, "y", have[0], y, 1e-12)
				compare(t, "gradient of x", have[1], dx, 1e-12)
				compare(t, "gradient of the weights", have[2], dweight, 1e-12)
			})
		}
	}
}

func TestMaxPool(t *testing.T) {
	for _, tc := range []struct {
		height, width int
		w             Window
	}{
		{8, 8, Window{3, 2, 1}},
		{7, 9, Window{3, 2, 1}},
		{6, 6, Window{2, 2, 0}},
		{9, 8, Window{3, 2, 0}},
	} {
		t.Run(fmt.Sprintf("%dx%d/%v", tc.height, tc.width, tc.w), func(t *testing.T) {
			const channels = 3
			x := normals(1, 2, tc.height, tc.width, channels)
			height, width := tc.w.places(tc.height), tc.w.places(tc.width)
			dy := normals(2, 2, height, width, channels)
			have := run(t, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
				y := MaxPool2D(in[0], tc.w)
				return append(Gradient(ReduceAllSum(Mul(y, in[1])), in[0]), y)
			}, x.tensor(), dy.tensor())

			y, dx := newArray(2, height, width, channels), newArray(x.dims...)
			for b := range 2 {
				for i := range height {
					for j := range width {
						for c := range channels {
							var best, gradient *float64
							for r := max(0, i*tc.w.Stride-tc.w.Padding); r < min(tc.height, i*tc.w.Stride-tc.w.Padding+tc.w.Kernel); r++ {
								for s := max(0, j*tc.w.Stride-tc.w.Padding); s < min(tc.width, j*tc.w.Stride-tc.w.Padding+tc.w.Kernel); s++ {
									if best == nil || *x.at(b, r, s, c) > *best {
										best, gradient = x.at(b, r, s, c), dx.at(b, r, s, c)
									}
								}
							}
							*y.at(b, i, j, c) = *best
							*gradient += *dy.at(b, i, j, c)
						}
					}
				}
			}
			compare(t, "y", have[1], y, 0)
			compare(t, "gradient of x", have[0], dx, 1e-15)
		})
	}
}

func TestGlobalAveragePool(t *testing.T) {
	x, want := normals(1, 2, 3, 5, 4), newArray(2, 4)
	for b := range 2 {
		for i := range 3 {
			for j := range 5 {
				for c := range 4 {
					*want.at(b, c) += *x.at(b, i, j, c) / 15
				}
			}
		}
	}
	have := run(t, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
		return []*Node{GlobalAveragePool(in[0])}
	}, x.tensor())
	compare(t, "y", have[0], want, 1e-14)
}

// BenchmarkConv compares the two forms on the Go backend, with their gradients:
// 3×3, 32 to 64 channels, 32 images of 16×16.
func BenchmarkConv(b *testing.B) {
	for _, form := range []struct {
		name string
		conv func(x, weight *Node, w Window) *Node
	}{{"matmul", convMatMul}, {"native", convNative}} {
		b.Run(form.name, func(b *testing.B) {
			exec := MustNewExec(goBackend(), func(x, weight *Node) []*Node {
				return Gradient(ReduceAllSum(Square(form.conv(x, weight, Window{3, 1, 1}))), x, weight)
			})
			defer exec.Finalize()
			x := tensors.FromShape(shapes.Make(dtypes.Float32, 32, 16, 16, 32))
			weight := tensors.FromShape(shapes.Make(dtypes.Float32, 64, 32, 3, 3))
			for b.Loop() {
				exec.MustCall(x, weight)
			}
			b.ReportMetric(3*2*32*16*16*9*32*64*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
