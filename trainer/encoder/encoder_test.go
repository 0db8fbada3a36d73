package encoder

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"selfstream/stages/backend"
	"selfstream/trainer/layer"
)

func TestSketch(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	enc, err := New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	layer.SetSeed(store, 1)
	exec, err := model.NewExec(b, store, func(s *model.Scope, x *Node) *Node {
		s = s.In("encoder")
		loss := ReduceAllSum(Square(enc.Forward(s, x, true).Features))
		for _, g := range s.BuildTrainableVariablesGradientsGraph(loss) {
			loss = Add(loss, ReduceAllSum(g))
		}
		return loss
	})
	if err != nil {
		t.Fatal(err)
	}
	y, err := exec.Call1(tensors.FromFlatDataAndDimensions(make([]uint8, 4*32*32*3), 4, 32, 32, 3))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(y.Shape(), y.Value())
	for v := range store.IterVariables() {
		t.Log(v.Path(), v.Shape(), v.Trainable)
	}
}
