package optim

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// AdamW is Adam with decoupled weight decay, as torch.optim.AdamW:
//
//	m ← β₁·m + (1 − β₁)·g
//	v ← β₂·v + (1 − β₂)·g²
//	w ← w − lr·λ·w − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
//
// Loshchilov & Hutter, 2019, algorithm 2, https://arxiv.org/abs/1711.05101.
type AdamW struct {
	Beta1, Beta2 float64
	Epsilon      float64 // ε
	WeightDecay  float64 // λ
}

// DefaultAdamW has PyTorch's constants.
func DefaultAdamW(weightDecay float64) AdamW {
	return AdamW{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: weightDecay}
}

// Update implements Optimizer.
func (o AdamW) Update(params []Param, lr *Node) {
	t := params[0].State.Store().VariableWithValue(root+"/step", tensors.FromScalar(int64(0))).SetTrainable(false)
	t.SetNodeValue(AddScalar(t.NodeValue(lr), 1))
	step := ConvertDType(t.NodeValue(lr), lr.DType())
	correction1, correction2 := oneMinusPower(o.Beta1, step), oneMinusPower(o.Beta2, step)
	for _, p := range params {
		m := p.average("exp_avg", p.Grad, o.Beta1)
		v := p.average("exp_avg_sq", Square(p.Grad), o.Beta2)
		direction := Div(Div(m, correction1), AddScalar(Sqrt(Div(v, correction2)), o.Epsilon))
		w := p.NodeValue(lr)
		if p.decays() {
			direction = Add(direction, MulScalar(w, o.WeightDecay))
		}
		p.SetNodeValue(Sub(w, Mul(lr, direction)))
	}
}

// average moves the average that is kept of p under that name towards x, and
// returns it.
func (p Param) average(name string, x *Node, beta float64) *Node {
	v := p.state(name)
	average := Add(MulScalar(v.NodeValue(x), beta), MulScalar(x, 1-beta))
	v.SetNodeValue(average)
	return average
}

// oneMinusPower is 1 − βᵗ. The difference itself would have lost four of seven
// digits at β = 0.999 and t = 1.
func oneMinusPower(beta float64, t *Node) *Node {
	return Neg(Expm1(MulScalar(t, math.Log(beta))))
}
