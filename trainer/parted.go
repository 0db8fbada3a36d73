package trainer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/optim"
)

// parted makes the step of a batch that goes through the network in equal parts,
// one after the other: it sums up their gradients, and moves the weights once, by
// the mean. It needs the memory of one part.
//
// The loss has to be a mean over images. Then only batch normalisation tells the
// difference: it sees one part at a time, and its running statistics follow each.
// Nothing is left between steps, so a snapshot need not know.
type parted struct {
	*learner
	sum    *Exec
	move   *model.Exec
	params []optim.Param
	after  func(progress *Node)
}

// gradients is the graph of one part: what it tells, and the gradient of every
// parameter.
func (p *parted) gradients(s *model.Scope, in []*Node) []*Node {
	r := p.loss(s, in)
	p.params, p.after = optim.Gradients(s.Store(), r.Loss), r.After
	out := p.told(r)
	for _, param := range p.params {
		out = append(out, param.Grad)
	}
	return out
}

// mean is the graph that moves the parameters by the mean of the gradients,
// given their sums.
func (p *parted) mean(_ *model.Scope, in []*Node) *Node {
	lr, progress, sums := in[0], in[1], in[2:]
	params := make([]optim.Param, len(p.params))
	for i, param := range p.params {
		param.Grad = DivScalar(sums[i], float64(p.parts))
		params[i] = param
	}
	norm := optim.Move(p.optimizer, params, lr, p.clipNorm)
	if p.after != nil {
		p.after(progress)
	}
	return norm
}

// compile builds what comes after the passes, whose graph is there by now.
func (p *parted) compile(b compute.Backend) (err error) {
	if p.sum, err = NewExec(b, addPairs); err != nil {
		return err
	}
	if p.move, err = model.NewExec(b, p.store, p.mean); err != nil {
		return err
	}
	inputs := []shapes.Shape{shapes.Make(dtypes.Float32), shapes.Make(dtypes.Float32)}
	for _, param := range p.params {
		inputs = append(inputs, param.Shape())
	}
	_, err = p.move.Compile(inputs...)
	return err
}

// addPairs adds the second half of the inputs to the first.
func addPairs(in []*Node) []*Node {
	sums := make([]*Node, len(in)/2)
	for i := range sums {
		sums[i] = Add(in[i], in[len(sums)+i])
	}
	return sums
}

// take makes a step.
func (p *parted) take(b loaded, lr, progress float64) (o outcome, err error) {
	var sums []*tensors.Tensor
	for _, in := range b.parts {
		out, err := p.call(in, lr, progress)
		if err != nil {
			return o, err
		}
		if o.embedding != nil {
			o.embedding.MustFinalizeAll()
		}
		gradients := 2 + len(p.names)
		o.embedding, o.told = out[0], append(o.told, out[1:gradients])
		if sums, err = p.addUp(sums, out[gradients:]); err != nil {
			return o, err
		}
	}
	if o.norm, err = p.move.Call1(append([]any{float32(lr), float32(progress)}, anys(sums)...)...); err != nil {
		return o, err
	}
	free(sums)
	return o, nil
}

// addUp adds gradients to their sums, and frees both.
func (p *parted) addUp(sums, gradients []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if sums == nil {
		return gradients, nil
	}
	total, err := p.sum.Call(append(anys(sums), anys(gradients)...)...)
	free(sums)
	free(gradients)
	return total, err
}

func anys(xs []*tensors.Tensor) []any {
	all := make([]any, len(xs))
	for i, x := range xs {
		all[i] = x
	}
	return all
}

func free(xs []*tensors.Tensor) {
	for _, x := range xs {
		x.MustFinalizeAll()
	}
}

func (p *parted) close() {
	p.sum.Finalize()
	p.move.Finalize()
}
