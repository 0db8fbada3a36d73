package encoder

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// tiny is four convolutions of stride 2, for small images and small machines.
func tiny() Encoder {
	return Encoder{
		Name: "tiny", Dim: 128, Stages: []string{"layer1", "layer2", "layer3", "layer4"},
		forward: func(s *model.Scope, x *Node, training bool) []*Node {
			var stages []*Node
			for i, channels := range []int{16, 32, 64, 128} {
				x = layer.Conv(s, fmt.Sprintf("conv%d", i+1), x, channels, layer.Window{Kernel: 3, Stride: 2, Padding: 1})
				x = activation.Relu(layer.BatchNorm(s, fmt.Sprintf("bn%d", i+1), x, training))
				stages = append(stages, layer.GlobalAveragePool(x))
			}
			return stages
		},
	}
}
