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

	"selfstream/schemas"
	"selfstream/trainer/encoder"
	"selfstream/trainer/feed"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// learner makes steps: it holds the variables of a training and the graph that
// moves them.
type learner struct {
	store  *model.Store
	exec   *model.Exec
	chance float64  // see method.Result
	names  []string // of the values, in the order of the graph's outputs
}

// outcome is what a step tells. The embedding stays on the device until
// somebody looks at it.
type outcome struct {
	loss      float64
	values    map[string]float64
	embedding *tensors.Tensor // [n, d]
}

// newLearner builds the graph of a step and, where the store lacks them, the
// variables with their first values.
func newLearner(b compute.Backend, store *model.Store, m method.Method, e encoder.Encoder, o optim.Optimizer, recipe schemas.Recipe, c schemas.Config) (*learner, error) {
	l := &learner{store: store}
	exec, err := model.NewExec(b, store, func(s *model.Scope, in []*Node) []*Node {
		lr, given := in[0], method.Batch{Progress: in[1], Labels: in[2], Views: in[3:]}
		if recipe.Answers() > 0 {
			given.Answers, given.Views = in[3], in[4:]
		}
		r := m.Loss(method.Net{Encoder: e, Scope: s, Training: true}, given)
		r.Loss.AssertScalar()
		optim.Minimize(o, s.Store(), r.Loss, lr, c.ClipNorm)
		if r.After != nil {
			r.After()
		}
		l.chance, l.names = r.Chance, slices.Sorted(maps.Keys(r.Values))
		out := []*Node{r.Loss, r.Embedding}
		for _, name := range l.names {
			out = append(out, r.Values[name])
		}
		return out
	})
	if err != nil {
		return nil, fmt.Errorf("building the training step: %w", err)
	}
	inputs := []shapes.Shape{shapes.Make(dtypes.Float32), shapes.Make(dtypes.Float32), shapes.Make(dtypes.Int32, c.Batch)}
	if recipe.Answers() > 0 {
		inputs = append(inputs, shapes.Make(dtypes.Int32, c.Batch))
	}
	for _, size := range recipe.Sizes() {
		inputs = append(inputs, shapes.Make(dtypes.Uint8, c.Batch, size, size, 3))
	}
	if _, err := exec.Compile(inputs...); err != nil {
		return nil, fmt.Errorf("building the training step: %w", err)
	}
	l.exec = exec
	return l, nil
}

// step moves the variables by one batch.
func (l *learner) step(b *feed.Batch, lr, progress float64) (outcome, error) {
	in := []any{float32(lr), float32(progress), tensors.FromFlatDataAndDimensions(b.Labels, b.Size())}
	if b.Answers != nil {
		in = append(in, tensors.FromFlatDataAndDimensions(b.Answers, b.Size()))
	}
	for _, v := range b.Views {
		in = append(in, tensors.FromFlatDataAndDimensions(v.Data, b.Size(), v.Size, v.Size, 3))
	}
	out, err := l.exec.Call(in...)
	for _, t := range in[2:] {
		t.(*tensors.Tensor).MustFinalizeAll()
	}
	if err != nil {
		return outcome{}, fmt.Errorf("making a training step: %w", err)
	}
	o := outcome{loss: scalar(out[0]), embedding: out[1], values: map[string]float64{}}
	for i, name := range l.names {
		o.values[name] = scalar(out[2+i])
	}
	return o, nil
}

func scalar(t *tensors.Tensor) float64 {
	defer t.MustFinalizeAll()
	return float64(tensors.ToScalar[float32](t))
}

// close frees what the graph holds.
func (l *learner) close() { l.exec.Finalize() }
