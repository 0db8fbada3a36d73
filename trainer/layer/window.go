package layer

import "github.com/gomlx/gomlx/core/graph"

// Window is the square that slides over a feature map, in pixels. Padding is
// added on all four sides.
type Window struct{ Kernel, Stride, Padding int }

// places is the number of windows along an axis of n pixels.
func (w Window) places(n int) int { return (n+2*w.Padding-w.Kernel)/w.Stride + 1 }

// paddings is Padding in the form that graph's builders take.
func (w Window) paddings() [][2]int {
	p := [2]int{w.Padding, w.Padding}
	return [][2]int{p, p}
}

// MaxPool2D is torch.nn.MaxPool2d on x [B, H, W, C].
func MaxPool2D(x *graph.Node, w Window) *graph.Node {
	x.AssertRank(4)
	return graph.MaxPool(x).Window(w.Kernel).Strides(w.Stride).PaddingPerDim(w.paddings()).Done()
}

// GlobalAveragePool averages x [B, H, W, C] over each image: [B, C].
func GlobalAveragePool(x *graph.Node) *graph.Node {
	x.AssertRank(4)
	return graph.ReduceMean(wide(x), 1, 2)
}
