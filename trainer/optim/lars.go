package optim

import . "github.com/gomlx/gomlx/core/graph"

// LARS is momentum with a rate of its own for every weight tensor, in
// proportion to its norm, for large batches:
//
//	v ← μ·v + η·‖w‖ / (‖g‖ + λ·‖w‖ + ε) · (g + λ·w)
//	w ← w − lr·v
//
// Biases and the parameters of normalisation layers move as in SGD, without
// decay. So does a tensor whose norm, or whose gradient's norm, is 0.
//
// You et al., 2017, algorithm 1, https://arxiv.org/abs/1708.03888. As in PyTorch's
// SGD and the program of Barlow Twins the learning rate multiplies the
// momentum; in the paper and in SimCLR's program it is inside, which is the
// same while the rate stays. Both programs have ‖g + λ·w‖ below the fraction.
type LARS struct {
	Momentum    float64 // μ
	WeightDecay float64 // λ
	Trust       float64 // η
}

// DefaultLARS has the constants of SimCLR, Barlow Twins and BYOL.
func DefaultLARS(weightDecay float64) LARS {
	return LARS{Momentum: 0.9, WeightDecay: weightDecay, Trust: 0.001}
}

const larsEpsilon = 1e-8

// Update implements Optimizer.
func (o LARS) Update(params []Param, lr *Node) {
	for _, p := range params {
		w, d := p.NodeValue(lr), p.Grad
		if p.decays() {
			d = o.adapt(w, d)
		}
		p.SetNodeValue(Sub(w, Mul(lr, p.momentum(d, o.Momentum))))
	}
}

// adapt adds the decay to the gradient g of w, and scales both.
func (o LARS) adapt(w, g *Node) *Node {
	wNorm, gNorm := globalNorm([]*Node{w}), globalNorm([]*Node{g})
	one := ScalarOne(w.Graph(), w.DType())
	rate := Div(MulScalar(wNorm, o.Trust), AddScalar(Add(gNorm, MulScalar(wNorm, o.WeightDecay)), larsEpsilon))
	moves := LogicalAnd(GreaterThan(wNorm, ZerosLike(wNorm)), GreaterThan(gNorm, ZerosLike(gNorm)))
	rate = Where(moves, rate, one)
	decay := Where(moves, MulScalar(one, o.WeightDecay), ZerosLike(one))
	return Mul(rate, Add(g, Mul(decay, w)))
}
