package encoder

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// resnet is torchvision's ResNet of that name, without fc: He et al., 2016,
// https://arxiv.org/abs/1512.03385, table 1. In bottlenecks the 3×3 convolution
// has the stride, as in torchvision; the paper gives it to the first 1×1.
//
// The small stem is the one that the field uses on CIFAR-sized images: a 3×3
// convolution of stride 1 and no max pooling (SimCLR, appendix B.9), so that a
// 32-pixel image keeps 4×4 places in the last stage instead of one.
func resnet(name string, block block, depths [4]int, small bool) Encoder {
	net := func(s *model.Scope, x *Node, training bool) []*Node {
		if small {
			x = layer.Conv(s, "conv1", x, 64, layer.Window{Kernel: 3, Stride: 1, Padding: 1})
		} else {
			x = layer.Conv(s, "conv1", x, 64, layer.Window{Kernel: 7, Stride: 2, Padding: 3})
		}
		x = layer.ReLU(layer.BatchNorm(s, "bn1", x, training))
		if !small {
			x = layer.MaxPool2D(x, layer.Window{Kernel: 3, Stride: 2, Padding: 1})
		}
		var stages []*Node
		for stage, depth := range depths {
			for i := range depth {
				stride := 1
				if stage > 0 && i == 0 {
					stride = 2
				}
				x = block.build(s, fmt.Sprintf("layer%d.%d", stage+1, i), x, 64<<stage, stride, training)
			}
			stages = append(stages, x)
		}
		return stages
	}
	if small {
		name += "-small"
	}
	return Encoder{
		Name: name, Dim: 512 * block.expansion,
		Stages:  []string{"layer1", "layer2", "layer3", "layer4"},
		forward: net,
	}
}

// block is one of the two residual blocks. width is the number of channels of
// its 3×3 convolutions; the result has expansion times as many.
type block struct {
	expansion int
	build     func(s *model.Scope, name string, x *Node, width, stride int, training bool) *Node
}

var (
	basicBlock = block{1, func(s *model.Scope, name string, x *Node, width, stride int, training bool) *Node {
		y := convNorm(s, name, 1, x, width, layer.Window{Kernel: 3, Stride: stride, Padding: 1}, training)
		y = layer.ReLU(y)
		y = convNorm(s, name, 2, y, width, layer.Window{Kernel: 3, Stride: 1, Padding: 1}, training)
		return layer.ReLU(Add(y, shortcut(s, name, x, width, stride, training)))
	}}

	bottleneck = block{4, func(s *model.Scope, name string, x *Node, width, stride int, training bool) *Node {
		y := convNorm(s, name, 1, x, width, layer.Window{Kernel: 1, Stride: 1}, training)
		y = layer.ReLU(y)
		y = convNorm(s, name, 2, y, width, layer.Window{Kernel: 3, Stride: stride, Padding: 1}, training)
		y = layer.ReLU(y)
		y = convNorm(s, name, 3, y, 4*width, layer.Window{Kernel: 1, Stride: 1}, training)
		return layer.ReLU(Add(y, shortcut(s, name, x, 4*width, stride, training)))
	}}
)

// convNorm is the i-th convolution of a block with its normalisation.
func convNorm(s *model.Scope, block string, i int, x *Node, out int, w layer.Window, training bool) *Node {
	x = layer.Conv(s, fmt.Sprintf("%s.conv%d", block, i), x, out, w)
	return layer.BatchNorm(s, fmt.Sprintf("%s.bn%d", block, i), x, training)
}

// shortcut is x itself, projected where the block changes its shape.
func shortcut(s *model.Scope, block string, x *Node, out, stride int, training bool) *Node {
	if stride == 1 && x.Shape().Dim(3) == out {
		return x
	}
	x = layer.Conv(s, block+".downsample.0", x, out, layer.Window{Kernel: 1, Stride: stride})
	return layer.BatchNorm(s, block+".downsample.1", x, training)
}
