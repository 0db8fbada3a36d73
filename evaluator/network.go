package evaluator

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/trainer/encoder"
	"selfstream/trainer/method"
)

// networkBatch is how many images go through a network at once.
const networkBatch = 128

// network is the whole network of a snapshot, the head of its method included,
// in inference mode.
type network struct {
	method string
	exec   *model.Exec
}

// newNetwork builds the graph for the variables in the store; tell picks what is
// asked of it.
func newNetwork(b compute.Backend, store *model.Store, c schemas.Config, tell func(method.Result) *Node) (*network, error) {
	m, err := method.New(c.Method, c.Settings)
	if err != nil {
		return nil, err
	}
	e, err := encoder.New(c.Encoder)
	if err != nil {
		return nil, err
	}
	exec, err := model.NewExec(b, store, func(s *model.Scope, in []*Node) *Node {
		answers, views := in[0], in[1:]
		told := tell(m.Loss(method.Net{Encoder: e, Scope: s}, method.Batch{
			Progress: Const(answers.Graph(), float32(1)), Views: views,
			Answers: answers, Labels: SubScalar(ZerosLike(answers), 1), // unknown
		}))
		// The Go backend fails at graphs that go on after their last output, as
		// a loss does after its embedding.
		return Identity(told)
	})
	if err != nil {
		return nil, fmt.Errorf("building the network of %s: %w", c.Method, err)
	}
	return &network{c.Method, exec}, nil
}

func (n *network) close() { n.exec.Finalize() }

// show shows the looks to the network, some images at a time, and passes on what
// it tells of them.
func (n *network) show(ctx context.Context, l looks, take func(told *tensors.Tensor, images int) error) error {
	for begin := 0; begin < l.len(); begin += networkBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		images := min(networkBatch, l.len()-begin)
		if err := n.part(l.tensors(begin, images), images, take); err != nil {
			return fmt.Errorf("asking the network of %s: %w", n.method, err)
		}
	}
	return nil
}

func (n *network) part(in []any, images int, take func(*tensors.Tensor, int) error) error {
	told, err := n.exec.Call1(in...)
	for _, t := range in {
		t.(*tensors.Tensor).MustFinalizeAll()
	}
	if err != nil {
		return err
	}
	defer told.MustFinalizeAll()
	return take(told, images)
}
