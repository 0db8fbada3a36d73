package method

import (
	"cmp"
	"flag"
	"fmt"
	"math"

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
// paper's 0.1 is for ImageNet), and those of symmetric.
type SimCLR struct {
	from        recipe
	Temperature float64
	Hidden, Dim int
	views       symmetric
	without     ablation
}

// negatives are what SimCLR can be made to do without: all that is left for a
// row is to be like its partner, and so all rows become alike.
const negatives = "negatives"

func newSimCLR(s *flag.FlagSet) Method {
	m := &SimCLR{}
	s.Float64Var(&m.Temperature, "temperature", 0.2, "what similarities are divided by; a lower one looks harder at the most similar images")
	s.IntVar(&m.Hidden, "hidden", 0, "width of the projector's hidden layer; 0: that of the features")
	s.IntVar(&m.Dim, "dim", 128, "dimensions of the embedding")
	m.views.bind(s)
	m.without.bind(s, negatives)
	m.from.bind(s, published(publishedSymmetric, "temperature", "0.1"))
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
	}
	return m.views.validate()
}

// Recipe implements Method: two views, distorted alike.
func (m *SimCLR) Recipe(size int) schemas.Recipe { return m.views.recipe(size) }

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
	z := projected(net, b, m.Hidden, m.Dim)
	similarity := similarities(z, m.Temperature)
	partner := partners(similarity)
	r := Result{
		Loss:      infoNCE(similarity, partner),
		Embedding: z,
		Chance:    math.Log(float64(z.Shape().Dim(0) - 1)),
		Values:    map[string]*Node{"contrastive_top1": nearest(similarity, partner)},
	}
	if m.without.lacks(negatives) {
		r.Loss, r.Chance = Neg(ReduceAllMean(likeness(similarity, partner))), 0
	}
	return r
}

// projected are the embeddings of the two views of a batch, [2N, dim], of which
// rows i and i+N are views of the same image: all views are one pass, so that
// batch normalisation sees both views of an image together. A hidden layer of
// 0 is as wide as the features.
func projected(net Net, b Batch, hidden, dim int) *Node {
	first, second := b.pair()
	features := net.Encode(Concatenate([]*Node{first, second}, 0)).Features // [2N, Dim]
	return mlp(net.Head("projector"), features, net.Training, cmp.Or(hidden, net.Encoder.Dim), dim)
}
