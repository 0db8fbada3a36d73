package evaluator

import (
	"context"
	"math"
	"strconv"

	"selfstream/stages/geometry"
)

// Alignment is how far apart the features of two views of an image lie; see
// geometry.Alignment. The views are those of SimCLR with its default settings,
// whatever the run's method, so that runs can be compared.
type Alignment struct{}

// Name is "alignment".
func (Alignment) Name() string { return "alignment" }

// Judge needs no labels.
func (Alignment) Judge(_ context.Context, t Task) (Verdict, error) {
	a, b := t.Pair[0], t.Pair[1]
	return Verdict{
		Value:     geometry.Alignment(a.X, b.X, a.Len(), a.Dim),
		Constants: map[string]string{"alpha": "2", "views": pairMethod},
		Train:     a.Len(),
	}, nil
}

// Uniformity is how evenly the features of the same views lie on the sphere; see
// geometry.Uniformity. As in the paper's program it is the mean of both views.
type Uniformity struct{}

// Name is "uniformity".
func (Uniformity) Name() string { return "uniformity" }

// Judge needs no labels.
func (Uniformity) Judge(_ context.Context, t Task) (Verdict, error) {
	n, d := t.Pair[0].Len(), t.Pair[0].Dim
	var mean float64
	for _, f := range t.Pair {
		mean += geometry.Uniformity(f.X, n, d) / float64(len(t.Pair))
	}
	return Verdict{
		Value:     mean,
		Constants: map[string]string{"t": "2", "views": pairMethod, "even_on_the_sphere": format(-4 + 8/float64(d))},
		Train:     n,
	}, nil
}

// Invariance is how alike two views of an image are to the whole network, its
// head included: the mean of the diagonal of the cross-correlation matrix of
// their embeddings, which Barlow Twins pulls to 1. The views are the run's own.
type Invariance struct{}

// Name is "invariance".
func (Invariance) Name() string { return "invariance" }

// Judge needs no labels.
func (Invariance) Judge(_ context.Context, t Task) (Verdict, error) {
	diagonal, _ := t.identity()
	return Verdict{Value: diagonal, Constants: t.correlated(), Train: t.Embedded[0].Len()}, nil
}

// Redundancy is how much dimensions of the embedding say the same: the root mean
// square of all else in that matrix, which Barlow Twins pulls to 0. Of
// independent dimensions there is "noise" left.
type Redundancy struct{}

// Name is "redundancy".
func (Redundancy) Name() string { return "redundancy" }

// Judge needs no labels.
func (Redundancy) Judge(_ context.Context, t Task) (Verdict, error) {
	_, others := t.identity()
	v := Verdict{Value: others, Constants: t.correlated(), Train: t.Embedded[0].Len()}
	v.Constants["noise"] = format(1 / math.Sqrt(float64(v.Train)))
	return v, nil
}

// correlation is the cross-correlation of the embeddings.
func (t Task) correlation() []float64 {
	a, b := t.Embedded[0], t.Embedded[1]
	return geometry.CrossCorrelation(a.X, b.X, a.Len(), a.Dim)
}

func (t Task) identity() (diagonal, others float64) {
	return geometry.Identity(t.correlation(), t.Embedded[0].Dim)
}

func (t Task) correlated() map[string]string {
	return map[string]string{"dimensions": strconv.Itoa(t.Embedded[0].Dim), "views": "the run's own"}
}
