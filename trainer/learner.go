package trainer

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// learner makes steps: it holds the variables of a training and the graphs that
// move them.
type learner struct {
	lesson
	*loader
	store  *model.Store
	pass   *model.Exec // of a batch, which moves the weights, or of a part
	parted *parted     // nil where batches are taken whole
	chance float64     // see method.Result
	names  []string    // of the values, in the order of the graph's outputs
}

// outcome is what a step tells. It stays on the device until somebody looks at
// it.
type outcome struct {
	told      [][]*tensors.Tensor // the loss and the values of each part, float32 scalars
	norm      *tensors.Tensor     // of the gradient, alike
	embedding *tensors.Tensor     // [n, d]; where batches are taken in parts, of the last
}

// reading is what an outcome comes to, on the host.
type reading struct {
	loss   float64
	values map[string]float64
}

// gradientNorm is the value that every method has.
const gradientNorm = "gradient_norm"

// newLearner builds the graphs of a step and, where the store lacks them, the
// variables with their first values.
func newLearner(b compute.Backend, store *model.Store, what lesson) (*learner, error) {
	if what.precision != dtypes.InvalidDType {
		layer.SetPrecision(store, what.precision)
	}
	l := &learner{lesson: what, store: store}
	build := l.wholeBatch
	if what.parts > 1 {
		l.parted = &parted{learner: l}
		build = l.parted.gradients
	}
	err := l.compile(b, build)
	if err == nil && l.parted != nil {
		err = l.parted.compile(b)
	}
	if err == nil {
		l.loader, err = newLoader(b, what)
	}
	if err != nil {
		return nil, fmt.Errorf("building the training step: %w", err)
	}
	return l, nil
}

// compile builds the pass and, with it, the variables.
func (l *learner) compile(b compute.Backend, build func(s *model.Scope, in []*Node) []*Node) (err error) {
	if l.pass, err = model.NewExec(b, l.store, build); err != nil {
		return err
	}
	given := inputShapes(l.recipe, l.batch/max(l.parts, 1))
	_, err = l.pass.Compile(append([]shapes.Shape{shapes.Make(dtypes.Float32), shapes.Make(dtypes.Float32)}, given...)...)
	return err
}

// wholeBatch is the graph of a step on a whole batch.
func (l *learner) wholeBatch(s *model.Scope, in []*Node) []*Node {
	lr, progress := in[0], in[1]
	r := l.loss(s, in)
	norm := optim.Minimize(l.optimizer, s.Store(), r.Loss, lr, l.clipNorm)
	if r.After != nil {
		r.After(progress)
	}
	return append(l.told(r), norm)
}

// loss is the graph of the loss of a batch, or of a part.
func (l *learner) loss(s *model.Scope, in []*Node) method.Result {
	given := method.Batch{Progress: in[1], Labels: in[2], Classes: l.classes, Views: in[3:]}
	if l.recipe.Answers() > 0 {
		given.Answers, given.Views = in[3], in[4:]
	}
	r := l.method.Loss(method.Net{Encoder: l.encoder, Scope: s, Training: true}, given)
	r.Loss.AssertScalar()
	l.chance, l.names = r.Chance, slices.Sorted(maps.Keys(r.Values))
	return r
}

// told are a graph's first outputs: what an outcome is made of.
func (l *learner) told(r method.Result) []*Node {
	out := []*Node{r.Embedding, r.Loss}
	for _, name := range l.names {
		out = append(out, r.Values[name])
	}
	return out
}

// step moves the variables by one batch. It returns when they are moved, and the
// batch has been released.
func (l *learner) step(b loaded, lr, progress float64) (outcome, error) {
	defer l.release(b)
	take := l.takeWhole
	if l.parted != nil {
		take = l.parted.take
	}
	o, err := take(b, lr, progress)
	if err != nil {
		return outcome{}, fmt.Errorf("making a training step: %w", err)
	}
	return o, nil
}

func (l *learner) takeWhole(b loaded, lr, progress float64) (outcome, error) {
	out, err := l.call(b.parts[0], lr, progress)
	if err != nil {
		return outcome{}, err
	}
	last := len(out) - 1
	return outcome{embedding: out[0], told: [][]*tensors.Tensor{out[1:last]}, norm: out[last]}, nil
}

// call makes a pass.
func (l *learner) call(in inputs, lr, progress float64) ([]*tensors.Tensor, error) {
	return l.pass.Call(append([]any{float32(lr), float32(progress)}, anys(in)...)...)
}

// read brings the figures of an outcome to the host, and frees all of it but the
// embedding. Where batches are taken in parts they are means.
func (l *learner) read(o outcome) reading {
	f := reading{values: map[string]float64{}}
	share := 1 / float64(len(o.told))
	for _, part := range o.told {
		f.loss += share * scalar(part[0])
		for i, name := range l.names {
			f.values[name] += share * scalar(part[1+i])
		}
	}
	f.values[gradientNorm] = scalar(o.norm)
	return f
}

func scalar(t *tensors.Tensor) float64 {
	defer t.MustFinalizeAll()
	return float64(tensors.ToScalar[float32](t))
}

// close frees what the graphs hold.
func (l *learner) close() {
	l.pass.Finalize()
	l.loader.close()
	if l.parted != nil {
		l.parted.close()
	}
}
