package encoder

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// tiny is four 3×3 convolutions of stride 2, each with batch normalisation and
// ReLU: 97,536 weights, for small images and small machines.
func tiny() Encoder {
	channels := []int{16, 32, 64, 128}
	net := func(s *model.Scope, x *Node, training bool) []*Node {
		var stages []*Node
		for i, out := range channels {
			x = layer.Conv(s, fmt.Sprintf("conv%d", i+1), x, out, layer.Window{Kernel: 3, Stride: 2, Padding: 1})
			x = layer.ReLU(layer.BatchNorm(s, fmt.Sprintf("bn%d", i+1), x, training))
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
