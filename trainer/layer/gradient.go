package layer

import (
	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
)

// withGradient is forward(inputs) with a gradient written by hand: backward
// returns that of each input, given the gradients of all results. They may be
// shared with what forward has left behind.
//
// GoMLX takes such a gradient only for the identity. So each input passes
// through an identity, and so does each result: on the way back those of the
// results come first, and the first input computes what all inputs then hand
// on. What GoMLX derives for the nodes between them is used by nobody, and never
// run.
func withGradient(inputs []*Node, forward func(inputs []*Node) []*Node, backward func(dy []*Node) []*Node) []*Node {
	var dy, gradients []*Node
	passed := make([]*Node, len(inputs))
	for i, x := range inputs {
		passed[i] = IdentityWithCustomGradient(x, func(_, _ *Node) *Node {
			if gradients == nil {
				gradients = backward(dy)
			}
			return gradients[i]
		})
	}
	results := forward(passed)
	dy = make([]*Node, len(results))
	out := make([]*Node, len(results))
	for i, y := range results {
		dy[i] = ZerosLike(y) // of a result that is not looked at
		out[i] = IdentityWithCustomGradient(y, func(_, v *Node) *Node {
			dy[i] = v
			return v
		})
	}
	return out
}

// ReLU is max(x, 0). As in PyTorch its gradient is 0 where x is 0.
func ReLU(x *Node) *Node {
	var y *Node
	return withGradient([]*Node{x},
		func(in []*Node) []*Node {
			y = MaxScalar(in[0], 0)
			return []*Node{y}
		},
		func(dy []*Node) []*Node {
			// 1 where y is above 0. On the Go backend Sign and Where jump, at random
			// for the processor, and take four times as long.
			const huge = 1e38
			above := MinScalar(MulScalar(MulScalar(y, huge), huge), 1)
			return []*Node{Mul(dy[0], above)}
		})[0]
}

// onGo reports whether the graph will run on the Go backend, whose matrix
// product is fast against all its other operations.
func onGo(x *Node) bool { return x.Graph().Backend().String() == gobackend.BackendName }
