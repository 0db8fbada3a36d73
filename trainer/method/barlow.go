package method

import (
	"flag"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
)

// Barlow is Barlow Twins: the embeddings of two views should agree, and no two
// of their dimensions should carry the same thing.
//
// Zbontar et al., 2021, "Barlow Twins: Self-Supervised Learning via Redundancy
// Reduction", https://arxiv.org/abs/2103.03230. As in the authors' program each
// view is a pass of its own, and the last linear layer of the projector has no
// bias. Defaults suit small images and small encoders: the paper's projector is
// 8192 wide, its smallest crop 0.08, and its colours are jittered twice as much.
type Barlow struct {
	from        recipe
	Lambda      float64
	Hidden, Dim int
	views       asymmetric
}

func newBarlow(s *flag.FlagSet) Method {
	m := &Barlow{}
	s.Float64Var(&m.Lambda, "lambda", 0.005, "weight of the redundancy between dimensions")
	s.IntVar(&m.Hidden, "hidden", 512, "width of the projector's two hidden layers")
	s.IntVar(&m.Dim, "dim", 512, "dimensions of the embedding")
	m.views.bind(s)
	m.from.bind(s, map[string]string{"hidden": "8192", "dim": "8192", "crop": "0.08", "jitter": "1"})
	return m
}

// Name implements Method.
func (m *Barlow) Name() string { return "barlow" }

// Validate implements Method.
func (m *Barlow) Validate() error {
	switch {
	case !(m.Lambda >= 0):
		return fmt.Errorf("lambda: have %g, want at least 0", m.Lambda)
	case m.Hidden < 1:
		return fmt.Errorf("hidden: have %d, want at least 1", m.Hidden)
	case m.Dim < 1:
		return fmt.Errorf("dim: have %d, want at least 1", m.Dim)
	}
	return m.views.validate()
}

// Recipe implements Method: BYOL's two views.
func (m *Barlow) Recipe(size int) schemas.Recipe {
	return m.views.recipe(size, m.from.paper || blurs(size))
}

// Training implements Method. That of the paper is in section 3, except that
// there the learning rate of biases and norms is 0.0048.
func (m *Barlow) Training() Training {
	t := smallTraining()
	t.Epochs = 200 // all its stages gain from them
	if m.from.paper {
		t = paperTraining(1000, 2048, 0.2, 1.5e-6)
	}
	t.WholeBatch = "the correlations are those over the whole batch"
	return t
}

// Loss implements Method.
func (m *Barlow) Loss(net Net, b Batch) Result {
	project := func(images *Node) *Node {
		return mlp(net.Head("projector"), net.Encode(images).Features, net.Training, m.Hidden, m.Hidden, m.Dim)
	}
	first, second := b.pair()
	z0, z1 := project(first), project(second)
	c := crossCorrelation(z0, z1)
	diagonal, off := magnitudes(c)
	return Result{
		Loss:      fromIdentity(c, m.Lambda),
		Embedding: Concatenate([]*Node{z0, z1}, 0),
		Chance:    float64(m.Dim), // C = 0: embeddings that do not depend on the image
		Values:    map[string]*Node{"correlation_diagonal": diagonal, "correlation_off_diagonal": off},
	}
}

const barlowEpsilon = 1e-5

// crossCorrelation is the correlation matrix C [d, d] between the embeddings of
// two views, a and b [N, d]. As in the authors' program columns are standardised
// with the population variance and ε = 1e-5; algorithm 1 of the paper has the
// sample variance.
func crossCorrelation(a, b *Node) *Node {
	return DivScalar(MatMul(Transpose(standardize(a), 0, 1), standardize(b)), float64(a.Shape().Dim(0)))
}

// fromIdentity is how far C is from the identity, equation 1 of the paper:
//
//	Σᵢ (1 − Cᵢᵢ)² + λ · Σᵢ Σⱼ≠ᵢ Cᵢⱼ²
func fromIdentity(c *Node, lambda float64) *Node {
	onDiagonal, offDiagonal := Square(OneMinus(c)), MulScalar(Square(c), lambda)
	return ReduceAllSum(Where(itself(c), onDiagonal, offDiagonal))
}

// magnitudes are the mean of C's diagonal, which should be 1, and the root mean
// square of all else, which should be 0. Of a batch of N images it cannot fall
// below √((d/(N−1) − 1)/(d − 1)) while the diagonal is 1, where d > N−1: C has
// no more than N−1 dimensions then.
func magnitudes(c *Node) (diagonal, off *Node) {
	d := c.Shape().Dim(0)
	on := itself(c)
	diagonal = ReduceAllSum(Where(on, c, ZerosLike(c)))
	off = ReduceAllSum(Where(on, ZerosLike(c), Square(c)))
	return DivScalar(diagonal, float64(d)), Sqrt(DivScalar(off, float64(max(1, d*(d-1)))))
}

// standardize gives every column of x mean 0 and variance 1 over the batch.
func standardize(x *Node) *Node {
	x = Sub(x, ReduceAndKeep(x, ReduceMean, 0))
	variance := ReduceAndKeep(Square(x), ReduceMean, 0)
	return Div(x, Sqrt(AddScalar(variance, barlowEpsilon)))
}
