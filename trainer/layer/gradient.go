package layer

import (
	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
)

// withGradient is forward(inputs) with a gradient written by hand: backward
// returns that of each input, given the result y and the gradient dy of y.
//
// GoMLX takes such a gradient only for the identity. So each input passes
// through an identity, and so does the result: on the way back the result's
// comes first, and computes what the inputs' then hand on. What GoMLX derives
// for the nodes between them is used by nobody, and never run.
func withGradient(inputs []*Node, forward func(inputs []*Node) *Node, backward func(y, dy *Node) []*Node) *Node {
	var gradients []*Node
	passed := make([]*Node, len(inputs))
	for i, x := range inputs {
		passed[i] = IdentityWithCustomGradient(x, func(_, _ *Node) *Node { return gradients[i] })
	}
	y := forward(passed)
	return IdentityWithCustomGradient(y, func(_, dy *Node) *Node {
		gradients = backward(y, dy)
		return dy
	})
}

// ReLU is max(x, 0). As in PyTorch its gradient is 0 where x is 0.
func ReLU(x *Node) *Node {
	return withGradient([]*Node{x},
		func(in []*Node) *Node { return MaxScalar(in[0], 0) },
		func(y, dy *Node) []*Node { return []*Node{Mul(dy, Sign(y))} })
}

// onGo reports whether the graph will run on the Go backend, whose matrix
// product is fast against all its other operations.
func onGo(x *Node) bool { return x.Graph().Backend().String() == gobackend.BackendName }
