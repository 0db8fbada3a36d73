package method

import (
	"flag"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
)

// SimCLR learns to tell the two views of an image from the views of all other
// images in the batch: each of the 2N embeddings has to find its partner among
// the other 2N−1 by cosine similarity.
//
// Chen et al., 2020, "A Simple Framework for Contrastive Learning of Visual
// Representations", https://arxiv.org/abs/2002.05709. As in the authors'
// program all views are one pass, so that batch normalisation sees the two
// views of an image together, and the projector's hidden layer is normalised,
// of which the paper says nothing. The program normalises the output, too, and
// adds the losses of the two directions, where equation 1 averages them.
//
// Defaults suit small images: solo-learn's temperature for CIFAR-10 (the
// paper's 0.1 is for ImageNet), MoCo's smallest crop (paper: 0.08), the authors'
// colours for CIFAR-10 (on ImageNet: 1).
type SimCLR struct {
	from        recipe
	Temperature float64
	Hidden, Dim int
	Crop        float64
	Jitter      float64
	Blur        float64
}

func newSimCLR(s *flag.FlagSet) Method {
	m := &SimCLR{}
	s.Float64Var(&m.Temperature, "temperature", 0.2, "what similarities are divided by; a lower one looks harder at the most similar images")
	s.IntVar(&m.Hidden, "hidden", 0, "width of the projector's hidden layer; 0: that of the features")
	s.IntVar(&m.Dim, "dim", 128, "dimensions of the embedding")
	s.Float64Var(&m.Crop, "crop", 0.2, "smallest share of the image in a view")
	s.Float64Var(&m.Jitter, "jitter", 0.5, "strength of the colour jitter")
	s.Float64Var(&m.Blur, "blur", 0.5, "probability of a blur; images of up to 64 pixels are never blurred")
	m.from.bind(s, map[string]string{"temperature": "0.1", "crop": "0.08", "jitter": "1"})
	return m
}

// Name implements Method.
func (m *SimCLR) Name() string { return "simclr" }

// Validate implements Method.
func (m *SimCLR) Validate() error {
	switch {
	case !(m.Temperature > 0):
		return fmt.Errorf("temperature: have %g, want above 0", m.Temperature)
	case m.Hidden < 0:
		return fmt.Errorf("hidden: have %d, want at least 0", m.Hidden)
	case m.Dim < 1:
		return fmt.Errorf("dim: have %d, want at least 1", m.Dim)
	case !(0 <= m.Jitter && m.Jitter <= 2):
		return fmt.Errorf("jitter: have %g, want 0 to 2", m.Jitter)
	case !(0 <= m.Blur && m.Blur <= 1):
		return fmt.Errorf("blur: have %g, want 0 to 1", m.Blur)
	}
	return checkCrop(m.Crop)
}

// Recipe implements Method: two views, distorted alike (appendix A).
func (m *SimCLR) Recipe(size int) schemas.Recipe {
	v := crop(size, m.Crop)
	v.Jitter = schemas.Jitter{P: 0.8, Brightness: 0.8 * m.Jitter, Contrast: 0.8 * m.Jitter, Saturation: 0.8 * m.Jitter, Hue: 0.2 * m.Jitter}
	if blurs(size) {
		v.Blur = blur(size, m.Blur)
	}
	return schemas.Recipe{Views: []schemas.View{v, v}}
}

// Training implements Method. That of the paper is in section 2.2.
func (m *SimCLR) Training() Training {
	t := smallTraining()
	t.LearningRate = 4e-3
	if m.from.paper {
		t = paperTraining(100, 4096, 0.3, 1e-6)
	}
	t.WholeBatch = "each image is told from all others in the batch"
	return t
}

// Loss implements Method.
func (m *SimCLR) Loss(net Net, b Batch) Result {
	first, second := b.pair()
	features := net.Encode(Concatenate([]*Node{first, second}, 0)).Features // [2N, Dim]
	hidden := m.Hidden
	if hidden == 0 {
		hidden = net.Encoder.Dim
	}
	z := mlp(net.Head("projector"), features, net.Training, hidden, m.Dim)
	loss, top1 := ntXent(z, m.Temperature)
	return Result{
		Loss:      loss,
		Embedding: z,
		Chance:    math.Log(float64(z.Shape().Dim(0) - 1)),
		Values:    map[string]*Node{"contrastive_top1": top1},
	}
}

// ntXent is the normalised temperature-scaled cross entropy of z [2N, d],
// equation 1 of the paper averaged over all rows i, whose partner is p(i):
//
//	−ln exp(sim(zᵢ, zₚ₍ᵢ₎)/τ) / Σⱼ≠ᵢ exp(sim(zᵢ, zⱼ)/τ), sim(a, b) = a·b / (‖a‖ ‖b‖)
//
// Rows i and i+N are views of the same image. top1 is the share of rows that
// are more similar to their partner than to any other row.
func ntXent(z *Node, temperature float64) (loss, top1 *Node) {
	g, rows := z.Graph(), z.Shape().Dim(0)
	z = normalize(z)
	similarity := DivScalar(MatMul(z, Transpose(z, 0, 1)), temperature) // [2N, 2N]

	i := Iota(g, shapes.Make(dtypes.Int32, rows, rows), 0)
	j := Iota(g, shapes.Make(dtypes.Int32, rows, rows), 1)
	self, partner := Equal(i, j), Equal(Abs(Sub(i, j)), ConstAs(i, rows/2))

	never := Infinity(g, z.DType(), -1)
	positive := ReduceSum(Where(partner, similarity, ZerosLike(similarity)), 1)
	loss = ReduceAllMean(Sub(logSumExp(Where(self, never, similarity)), positive))

	negative := ReduceMax(Where(LogicalOr(self, partner), never, similarity), 1)
	top1 = ReduceAllMean(ConvertDType(GreaterThan(positive, negative), z.DType()))
	return loss, top1
}

// logSumExp is ln Σⱼ exp(xᵢⱼ) of every row i, without overflow.
func logSumExp(x *Node) *Node {
	largest := StopGradient(ReduceAndKeep(x, ReduceMax, 1))
	return Add(Log(ReduceSum(Exp(Sub(x, largest)), 1)), Squeeze(largest, 1))
}
