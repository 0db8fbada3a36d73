package encoder

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// tiny is four 3×3 convolutions of stride 2, each with batch normalisation and
// ReLU: 97,536 weights, for small images and small machines.
func tiny() Encoder {
	channels := []int{16, 32, 64, 128}
	net := func(s *model.Scope, x layer.Maps, training bool) []layer.Maps {
		var stages []layer.Maps
		for i, out := range channels {
			conv, norm := fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1)
			x = layer.ConvNorm(s, conv, norm, x, out, layer.Window{Kernel: 3, Stride: 2, Padding: 1}, training).ReLU()
			stages = append(stages, x)
		}
		return stages
	}
	return Encoder{
		Name: "tiny", Dim: 128,
		Stages:  []string{"layer1", "layer2", "layer3", "layer4"},
		forward: net,
	}
}
