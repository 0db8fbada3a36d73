package optim

import . "github.com/gomlx/gomlx/core/graph"

// SGD is stochastic gradient descent with momentum, as torch.optim.SGD:
//
//	v ← μ·v + g + λ·w
//	w ← w − lr·v
type SGD struct {
	Momentum    float64 // μ
	WeightDecay float64 // λ
}

// DefaultSGD has the momentum that all papers use.
func DefaultSGD(weightDecay float64) SGD { return SGD{Momentum: 0.9, WeightDecay: weightDecay} }

// Update implements Optimizer.
func (o SGD) Update(params []Param, lr *Node) {
	for _, p := range params {
		w, d := p.NodeValue(lr), p.Grad
		if p.decays() {
			d = Add(d, MulScalar(w, o.WeightDecay))
		}
		p.SetNodeValue(Sub(w, Mul(lr, p.momentum(d, o.Momentum))))
	}
}

// momentum adds d to the momentum of p, and returns it.
func (p Param) momentum(d *Node, mu float64) *Node {
	buffer := p.state("momentum_buffer")
	v := Add(MulScalar(buffer.NodeValue(d), mu), d)
	buffer.SetNodeValue(v)
	return v
}
