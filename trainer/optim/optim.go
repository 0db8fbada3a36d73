// Package optim turns gradients into new weights: optimisers, the schedule of
// their learning rate, and moving averages, as graphs over the variables of a
// model.Store.
//
// What an optimiser remembers are variables of the same store, below
// "/optimizer" and named after the variable that they belong to, so a snapshot
// of the store is all that it takes to continue:
//
//	/encoder/conv1.weight
//	/optimizer/encoder/conv1.weight/momentum_buffer
package optim

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// root is where the state of all optimisers lies.
const root = "/optimizer"

// Optimizer is a rule that moves parameters against their gradients.
type Optimizer interface {
	// Update builds one step: the new values of the parameters and of what the
	// optimiser remembers of them. lr is the step's learning rate, a scalar.
	Update(params []Param, lr *Node)
}

// Param is a trainable variable, the gradient of the loss for it, and the place
// of what an optimiser remembers of it.
type Param struct {
	*model.Variable
	Grad  *Node
	State *model.Scope
}

// Names lists the optimisers there are.
func Names() []string { return []string{"adamw", "lars", "sgd"} }

// New returns the optimiser of that name with its usual constants.
func New(name string, weightDecay float64) (Optimizer, error) {
	switch name {
	case "adamw":
		return DefaultAdamW(weightDecay), nil
	case "lars":
		return DefaultLARS(weightDecay), nil
	case "sgd":
		return DefaultSGD(weightDecay), nil
	}
	return nil, fmt.Errorf("choosing an optimizer: have %q, want one of %s", name, strings.Join(Names(), ", "))
}

// Minimize builds one step of o down the gradient of loss, over the trainable
// variables that the graph of the loss uses: Gradients and Move. It returns the
// norm of the gradient.
//
// It has to come after the whole loss is built, because the weights that are
// read from the store later in the graph are the new ones.
func Minimize(o Optimizer, store *model.Store, loss, lr *Node, maxNorm float64) *Node {
	return Move(o, Gradients(store, loss), lr, maxNorm)
}

// Gradients are the trainable variables that the graph of the loss uses, with
// the gradient of the loss for each.
func Gradients(store *model.Store, loss *Node) []Param {
	g := loss.Graph()
	var params []Param
	for v := range store.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			params = append(params, Param{Variable: v, State: store.Scope(root + v.Path())})
		}
	}
	if len(params) == 0 {
		exceptions.Panicf("optim: the loss does not depend on any trainable variable")
	}
	// The order of a store is that of creation, which is another one after a
	// resume: sums over all parameters would round differently.
	slices.SortFunc(params, func(a, b Param) int { return strings.Compare(a.Path(), b.Path()) })
	values := make([]*Node, len(params))
	for i, p := range params {
		values[i] = p.NodeValue(g)
	}
	for i, grad := range Gradient(loss, values...) {
		params[i].Grad = grad
	}
	return params
}

// Move builds one step of o against the gradients, and returns the L2 norm of
// all of them as one vector. If maxNorm is above 0 they are clipped first, as by
// torch.nn.utils.clip_grad_norm_: where the norm exceeds maxNorm, all gradients
// are scaled by maxNorm/(norm + 1e-6).
//
// Pascanu et al., 2013, algorithm 1, https://arxiv.org/abs/1211.5063.
func Move(o Optimizer, params []Param, lr *Node, maxNorm float64) *Node {
	grads := make([]*Node, len(params))
	for i, p := range params {
		grads[i] = p.Grad
	}
	norm := globalNorm(grads)
	if maxNorm > 0 {
		scale := MinScalar(Div(Scalar(norm.Graph(), norm.DType(), maxNorm), AddScalar(norm, 1e-6)), 1)
		params = slices.Clone(params)
		for i := range params {
			params[i].Grad = Mul(params[i].Grad, scale)
		}
	}
	o.Update(params, lr)
	return norm
}

// globalNorm is the L2 norm of all the tensors as one vector.
func globalNorm(xs []*Node) *Node {
	sum := ReduceAllSum(Square(xs[0]))
	for _, x := range xs[1:] {
		sum = Add(sum, ReduceAllSum(Square(x)))
	}
	return Sqrt(sum)
}

// state is a variable that an optimiser keeps for p, of p's shape, 0 at first.
func (p Param) state(name string) *model.Variable {
	return p.State.VariableWithValue(name, tensors.FromShape(p.Shape())).SetTrainable(false)
}

// decays tells whether weight decay, and the adaptation of LARS, are meant for
// p: they are not for biases and for the scales of normalisation layers, which
// have one dimension.
func (p Param) decays() bool { return p.Shape().Rank() > 1 }
