package encoder

import (
	"fmt"

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
	net := func(s *model.Scope, x layer.Maps, training bool) []layer.Maps {
		stem := layer.Window{Kernel: 7, Stride: 2, Padding: 3}
		if small {
			stem = layer.Window{Kernel: 3, Stride: 1, Padding: 1}
		}
		x = layer.ConvNorm(s, "conv1", "bn1", x, 64, stem, training).ReLU()
		if !small {
			x = x.MaxPool(layer.Window{Kernel: 3, Stride: 2, Padding: 1})
		}
		var stages []layer.Maps
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
	build     func(s *model.Scope, name string, x layer.Maps, width, stride int, training bool) layer.Maps
}

var (
	basicBlock = block{1, func(s *model.Scope, name string, x layer.Maps, width, stride int, training bool) layer.Maps {
		y := convNorm(s, name, 1, x, width, layer.Window{Kernel: 3, Stride: stride, Padding: 1}, training)
		y = y.ReLU()
		y = convNorm(s, name, 2, y, width, layer.Window{Kernel: 3, Stride: 1, Padding: 1}, training)
		return y.Add(shortcut(s, name, x, width, stride, training)).ReLU()
	}}

	bottleneck = block{4, func(s *model.Scope, name string, x layer.Maps, width, stride int, training bool) layer.Maps {
		y := convNorm(s, name, 1, x, width, layer.Window{Kernel: 1, Stride: 1}, training)
		y = y.ReLU()
		y = convNorm(s, name, 2, y, width, layer.Window{Kernel: 3, Stride: stride, Padding: 1}, training)
		y = y.ReLU()
		y = convNorm(s, name, 3, y, 4*width, layer.Window{Kernel: 1, Stride: 1}, training)
		return y.Add(shortcut(s, name, x, 4*width, stride, training)).ReLU()
	}}
)

// convNorm is the i-th convolution of a block with its normalisation.
func convNorm(s *model.Scope, block string, i int, x layer.Maps, out int, w layer.Window, training bool) layer.Maps {
	return layer.ConvNorm(s, fmt.Sprintf("%s.conv%d", block, i), fmt.Sprintf("%s.bn%d", block, i), x, out, w, training)
}

// shortcut is x itself, projected where the block changes its shape.
func shortcut(s *model.Scope, block string, x layer.Maps, out, stride int, training bool) layer.Maps {
	if stride == 1 && x.Channels() == out {
		return x
	}
	w := layer.Window{Kernel: 1, Stride: stride}
	return layer.ConvNorm(s, block+".downsample.0", block+".downsample.1", x, out, w, training)
}
