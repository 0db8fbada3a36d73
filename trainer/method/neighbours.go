package method

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/trainer/layer"
)

// A question is about two patches of an image: where, as seen from the first,
// does the second lie?
type question struct {
	first, second int
	answer        int // see schemas.Neighbours
}

// neighbours are the questions about a grid of nine patches in reading order:
// its 40 pairs of neighbours, either direction counted.
func neighbours() (all []question) {
	for first := range schemas.Tiles {
		for place := range schemas.Neighbours {
			cell := place
			if cell >= schemas.Tiles/2 {
				cell++ // the middle is no neighbour of itself
			}
			x, y := first%3+cell%3-1, first/3+cell/3-1
			if 0 <= x && x < 3 && 0 <= y && y < 3 {
				all = append(all, question{first, 3*y + x, place})
			}
		}
	}
	return all
}

// both is a fully connected layer, without bias, on the codes of a question's
// two patches side by side, of all questions about each image: codes [B, n, W]
// of n patches become [B·len(questions), width]. Such a layer is one on the
// first code and one on the second, added, so each code goes through either but
// once, however many questions it is part of.
func both(s *model.Scope, name string, codes *Node, questions []question, width int) *Node {
	g, batch, n, asked := codes.Graph(), codes.Shape().Dim(0), codes.Shape().Dim(1), len(questions)
	first, second := make([]float32, asked*n), make([]float32, asked*n)
	for i, q := range questions {
		first[i*n+q.first], second[i*n+q.second] = 1, 1
	}
	flat := Reshape(codes, batch*n, -1)
	one := func(name string, take []float32) *Node {
		y := Reshape(layer.Linear(s, name, flat, width, false), batch, n, width)
		which := ConvertDType(Reshape(Const(g, take), 1, asked, n), y.DType())
		return DotGeneral(BroadcastToDims(which, batch, asked, n), []int{2}, []int{0}, y, []int{1}, []int{0})
	}
	return Reshape(Add(one(name+".first", first), one(name+".second", second)), batch*asked, width)
}

// answersTo are the right answers to the questions about each image of a batch,
// int32 [B·len(questions)]; of is anything int32 [B].
func answersTo(questions []question, of *Node) *Node {
	batch, n := of.Shape().Dim(0), len(questions)
	right := make([]int32, n)
	for i, q := range questions {
		right[i] = int32(q.answer)
	}
	return Reshape(BroadcastToDims(Reshape(Const(of.Graph(), right), 1, n), batch, n), batch*n)
}

// evenly is the mean, over the answers, of the mean over the questions that one
// is right for. A grid has six pairs side by side and four aslant; counted one by
// one, whoever always says "left" would be right more often than by chance.
func evenly(questions []question) mean {
	times := [schemas.Neighbours]float32{}
	for _, q := range questions {
		times[q.answer]++
	}
	weights := make([]float32, len(questions))
	for i, q := range questions {
		weights[i] = 1 / (schemas.Neighbours * times[q.answer])
	}
	return func(rows *Node) *Node {
		rows = Reshape(rows, -1, len(questions))
		weight := ConvertDType(Reshape(Const(rows.Graph(), weights), 1, -1), rows.DType())
		return DivScalar(ReduceAllSum(Mul(rows, weight)), float64(rows.Shape().Dim(0)))
	}
}
