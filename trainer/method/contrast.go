package method

import (
	"cmp"
	"flag"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
)

// contrastive is what SimCLR, SupCon and KCL have in common: the embedding of
// each view has to find some of the others, its positives, among all others of
// the batch. They differ in which are the positives.
type contrastive struct {
	from        recipe
	Temperature float64
	Hidden, Dim int
	views       symmetric
}

func (m *contrastive) bind(s *flag.FlagSet, temperature float64, published map[string]string) {
	s.Float64Var(&m.Temperature, "temperature", temperature, "what similarities are divided by; a lower one looks harder at the most similar images")
	s.IntVar(&m.Hidden, "hidden", 0, "width of the projector's hidden layer; 0: that of the features")
	s.IntVar(&m.Dim, "dim", 128, "dimensions of the embedding")
	m.views.bind(s)
	m.from.bind(s, published)
}

// Validate implements Method.
func (m *contrastive) Validate() error {
	switch {
	case !(m.Temperature > 0):
		return fmt.Errorf("temperature: have %g, want above 0", m.Temperature)
	case m.Hidden < 0:
		return fmt.Errorf("hidden: have %d, want at least 0", m.Hidden)
	case m.Dim < 1:
		return fmt.Errorf("dim: have %d, want at least 1", m.Dim)
	}
	return m.views.validate()
}

// Recipe implements Method: two views, distorted alike.
func (m *contrastive) Recipe(size int) schemas.Recipe { return m.views.recipe(size) }

// eachFromAll is why none of them takes a batch in parts.
const eachFromAll = "each image is told from all others in the batch"

// embed returns the embeddings of the two views of a batch, [2N, Dim], of which
// rows i and i+N are views of the same image, and their similarities. All views
// are one pass, so that batch normalisation sees both views of an image
// together. The projector's hidden layer is normalised.
func (m *contrastive) embed(net Net, b Batch) (z, similarity *Node) {
	first, second := b.pair()
	features := net.Encode(Concatenate([]*Node{first, second}, 0)).Features // [2N, Dim]
	z = mlp(net.Head("projector"), features, net.Training, cmp.Or(m.Hidden, net.Encoder.Dim), m.Dim)
	return z, similarities(z, m.Temperature)
}

// byClass is what comes of finding the positives that choose leaves of the
// classmates of each view, bool [2N, 2N].
func (m *contrastive) byClass(net Net, b Batch, choose func(mates *Node) *Node) Result {
	z, similarity := m.embed(net, b)
	mates := classmates(similarity, b.pairLabels())
	return Result{
		Loss:      infoNCE(similarity, choose(mates)),
		Embedding: z,
		Chance:    math.Log(float64(z.Shape().Dim(0) - 1)),
		Values:    map[string]*Node{"contrastive_top1": nearest(similarity, mates)},
	}
}

// similarities are the cosines of the angles between the rows of z [n, d],
// divided by the temperature: [n, n].
func similarities(z *Node, temperature float64) *Node {
	z = normalize(z)
	return DivScalar(MatMul(z, Transpose(z, 0, 1)), temperature)
}

// infoNCE is the mean cross entropy of finding the positives P(i), bool [n, n],
// of each row i by its similarities s [n, n] to all others:
//
//	1/n Σᵢ −1/|P(i)| Σ_p∈P(i) ln exp(sᵢₚ) / Σⱼ≠ᵢ exp(sᵢⱼ)
//
// With one positive, the other view of an image, it is NT-Xent (Chen et al.,
// 2020, equation 1, averaged over all rows); with all views of its class it is
// L_out (Khosla et al., 2020, equation 2). Every row needs a positive.
func infoNCE(similarity, positive *Node) *Node {
	never := Infinity(similarity.Graph(), similarity.DType(), -1)
	others := Where(itself(similarity), never, similarity)
	return ReduceAllMean(Sub(logSumExp(others), likeness(similarity, positive)))
}

// likeness is the mean similarity of each row to its positives.
func likeness(similarity, positive *Node) *Node {
	sum := ReduceSum(Where(positive, similarity, ZerosLike(similarity)), 1)
	return Div(sum, ReduceSum(ConvertDType(positive, similarity.DType()), 1))
}

// nearest is the share of rows that are more similar to one of their positives
// than to any other row.
func nearest(similarity, positive *Node) *Node {
	never := Infinity(similarity.Graph(), similarity.DType(), -1)
	right := ReduceMax(Where(positive, similarity, never), 1)
	wrong := ReduceMax(Where(LogicalOr(positive, itself(similarity)), never, similarity), 1)
	return ReduceAllMean(ConvertDType(GreaterThan(right, wrong), similarity.DType()))
}

// itself tells which places of x [n, n] are on the diagonal.
func itself(x *Node) *Node { return Equal(places(x, 0), places(x, 1)) }

// partners tells which places of x [2N, 2N] are of two views of one image.
func partners(x *Node) *Node {
	half := x.Shape().Dim(0) / 2
	return Equal(Abs(Sub(places(x, 0), places(x, 1))), ConstAs(places(x, 0), half))
}

// classmates tells which places of x [n, n] are of two views, not the same, of
// one class, given the labels [n].
func classmates(x, labels *Node) *Node {
	same := Equal(ExpandAxes(labels, 1), ExpandAxes(labels, 0))
	return LogicalAnd(same, LogicalNot(itself(x)))
}

// places are the numbers of the rows, or of the columns, of x [n, n].
func places(x *Node, axis int) *Node {
	return Iota(x.Graph(), shapes.Make(dtypes.Int32, x.Shape().Dimensions...), axis)
}

// logSumExp is ln Σⱼ exp(xᵢⱼ) of every row i, without overflow.
func logSumExp(x *Node) *Node {
	largest := StopGradient(ReduceAndKeep(x, ReduceMax, 1))
	return Add(Log(ReduceSum(Exp(Sub(x, largest)), 1)), Squeeze(largest, 1))
}
