package method

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/encoder"
)

// TestSupervisedByLoops computes the loss and the accuracy of a step again from
// its features and the classifier's first weights, as loops in float64.
func TestSupervisedByLoops(t *testing.T) {
	m := newSmall(t, "supervised")
	s, fresh := newStudent(t, goBackend(t), m), newStudent(t, goBackend(t), m)
	fresh.compile(t)
	weight, bias := flat(fresh.store.GetVariable("/head/classifier/fc.weight")), flat(fresh.store.GetVariable("/head/classifier/fc.bias"))
	if len(bias) != classes {
		t.Fatalf("have %d outputs, want one for each of %d classes", len(bias), classes)
	}
	out, err := s.exec.Call(s.inputs(0)...)
	if err != nil {
		t.Fatal(err)
	}
	features, dim := tensors.MustCopyFlatData[float32](out[1]), out[1].Shape().Dim(1)
	var loss, right float64
	for i := range 2 * batch {
		label := i % batch % classes // of inputs
		var sum, own float64
		others := math.Inf(-1)
		for c := range classes {
			x := float64(bias[c])
			for d := range dim {
				x += float64(weight[c*dim+d]) * float64(features[i*dim+d])
			}
			sum += math.Exp(x)
			if c == label {
				own = x
			} else {
				others = max(others, x)
			}
		}
		loss += (math.Log(sum) - own) / (2 * batch)
		if own > others {
			right += 1. / (2 * batch)
		}
	}
	if err := near(float64(tensors.ToScalar[float32](out[0])), loss, 1e-5); err != nil {
		t.Errorf("loss: %v", err)
	}
	if err := near(float64(tensors.ToScalar[float32](out[2])), right, 1e-6); err != nil {
		t.Errorf("accuracy: %v", err)
	}
}

// TestSupervisedWithoutClasses: what is trained can be asked for its embedding
// where there are no labels.
func TestSupervisedWithoutClasses(t *testing.T) {
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	b, m := goBackend(t), newSmall(t, "supervised")
	s := newStudent(t, b, m)
	s.step(t, 0)
	embeddings := func(classes int) []float32 {
		exec := model.MustNewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
			unknown := AddScalar(Zeros(in[0].Graph(), shapes.Make(dtypes.Int32, batch)), -1)
			r := m.Loss(Net{Encoder: e, Scope: scope}, Batch{Labels: unknown, Classes: classes, Views: in})
			return []*Node{r.Embedding, r.Loss}
		})
		out, err := exec.Call(images(0), images(1))
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out[0])
	}
	if !slices.Equal(embeddings(0), embeddings(classes)) {
		t.Error("the embedding depends on whether there are classes")
	}
}
