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

	"selfstream/trainer/feed"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// learner makes steps: it holds the variables of a training and the graphs that
// move them.
type learner struct {
	lesson
	store  *model.Store
	pass   *model.Exec // of a batch, which moves the weights, or of a part
	given  inputs      // of the pass
	parted *parted     // nil where batches are taken whole
	chance float64     // see method.Result
	names  []string    // of the values, in the order of the graph's outputs
}

// outcome is what a step tells. The embedding stays on the device until
// somebody looks at it.
type outcome struct {
	loss      float64
	values    map[string]float64
	embedding *tensors.Tensor // [n, d]; where batches are taken in parts, of the last
}

// gradientNorm is the value that every method has.
const gradientNorm = "gradient_norm"

// newLearner builds the graphs of a step and, where the store lacks them, the
// variables with their first values.
func newLearner(b compute.Backend, store *model.Store, what lesson) (*learner, error) {
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
	if l.given, err = newInputs(b, given); err != nil {
		return err
	}
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

// step moves the variables by one batch.
func (l *learner) step(b *feed.Batch, lr, progress float64) (outcome, error) {
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

func (l *learner) takeWhole(b *feed.Batch, lr, progress float64) (outcome, error) {
	out, err := l.call(b, 0, lr, progress)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{embedding: out[0], values: map[string]float64{}}
	l.add(&o, out, 1)
	o.values[gradientNorm] = scalar(out[len(out)-1])
	return o, nil
}

// call makes a pass of the images of a batch from first on.
func (l *learner) call(b *feed.Batch, first int, lr, progress float64) ([]*tensors.Tensor, error) {
	if err := l.given.fill(b, first); err != nil {
		return nil, err
	}
	return l.pass.Call(append([]any{float32(lr), float32(progress)}, anys(l.given)...)...)
}

// add adds a share of what a pass tells to an outcome, and frees it.
func (l *learner) add(o *outcome, told []*tensors.Tensor, share float64) {
	o.loss += share * scalar(told[1])
	for i, name := range l.names {
		o.values[name] += share * scalar(told[2+i])
	}
}

func scalar(t *tensors.Tensor) float64 {
	defer t.MustFinalizeAll()
	return float64(tensors.ToScalar[float32](t))
}

// close frees what the graphs hold.
func (l *learner) close() {
	l.pass.Finalize()
	free(l.given)
	if l.parted != nil {
		l.parted.close()
	}
}
