package encoder

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// alexnet is the network of the two pretext papers from the image to pool5:
// Krizhevsky et al., 2012, "ImageNet Classification with Deep Convolutional
// Neural Networks", as Doersch et al., 2015, https://arxiv.org/abs/1505.05192,
// and Noroozi & Favaro, 2016, https://arxiv.org/abs/1603.09246, took it over.
// fc6 and what follows are heads (package method).
//
// As in the authors' program of context prediction the convolutions are not cut
// into groups, and batch normalisation has neither scale nor shift, with which
// a network could silence its activations. It stands behind all five, where
// that program has local response normalisation behind the first two, and the
// program of jigsaw has no batch normalisation.
//
// The first convolution decides for which patches the network is:
//
//	alexnet        11×11, stride 4   patches of 96 pixels and whole images (Doersch)
//	alexnet-cfn    11×11, stride 2   tiles of 64 pixels (Noroozi & Favaro)
//	alexnet-small  5×5, stride 1     patches and tiles of 16 to 32 pixels
//
// Convolutions have torchvision's names, features.0 to features.10; the
// normalisations, of which it has none, are norm1 to norm5.
func alexnet(variant string, first layer.Window) Encoder {
	net := func(s *model.Scope, x layer.Maps, training bool) []layer.Maps {
		var stages []layer.Maps
		for i, c := range []struct {
			position, out int
			window        layer.Window
			pool          bool
		}{
			{0, 96, first, true},
			{3, 256, layer.Window{Kernel: 5, Stride: 1, Padding: 2}, true},
			{6, 384, layer.Window{Kernel: 3, Stride: 1, Padding: 1}, false},
			{8, 384, layer.Window{Kernel: 3, Stride: 1, Padding: 1}, false},
			{10, 256, layer.Window{Kernel: 3, Stride: 1, Padding: 1}, true},
		} {
			conv, norm := fmt.Sprintf("features.%d", c.position), fmt.Sprintf("norm%d", i+1)
			x = layer.ConvNormPlain(s, conv, norm, x, c.out, c.window, training).ReLU()
			if c.pool {
				x = overlappingPool(x)
			}
			stages = append(stages, x)
		}
		return stages
	}
	return Encoder{
		Name: "alexnet" + variant, Dim: 256,
		Stages:  []string{"conv1", "conv2", "conv3", "conv4", "conv5"},
		forward: net,
	}
}

// overlappingPool is AlexNet's max pooling, 3×3 with stride 2. A map of even
// side is padded, so that the results have the sides that they have in Caffe,
// where the last window may reach over the edge.
func overlappingPool(x layer.Maps) layer.Maps {
	w := layer.Window{Kernel: 3, Stride: 2}
	if side := x[0].Shape().Dim(1); side%2 == 0 || side < w.Kernel {
		w.Padding = 1
	}
	return x.MaxPool(w)
}
