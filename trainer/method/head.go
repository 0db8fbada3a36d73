package method

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// mlp is a perceptron on x [B, d]: linear layers of the given widths, with
// batch normalisation and ReLU between them. None has a bias: normalisation
// would take it away again, and the last layers of SimCLR, Barlow Twins and
// BYOL have none.
func mlp(s *model.Scope, x *Node, training bool, widths ...int) *Node {
	for i, width := range widths {
		if i > 0 {
			x = layer.ReLU(layer.BatchNorm(s, fmt.Sprintf("bn%d", i), x, training))
		}
		x = layer.Linear(s, fmt.Sprintf("fc%d", i+1), x, width, false)
	}
	return x
}

// normalize gives every row of x [B, d] length 1, as
// torch.nn.functional.normalize: a row of zeros stays, and has no gradient.
func normalize(x *Node) *Node {
	squares := ReduceAndKeep(Square(x), ReduceSum, -1)
	return Div(x, Sqrt(MaxScalar(squares, 1e-24)))
}
