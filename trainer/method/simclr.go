package method

import (
	"flag"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// SimCLR learns to tell the two views of an image from the views of all other
// images in the batch: each of the 2N embeddings has to find its partner among
// the other 2N−1 by cosine similarity.
//
// Chen et al., 2020, "A Simple Framework for Contrastive Learning of Visual
// Representations", https://arxiv.org/abs/2002.05709. The loss is equation 1. As
// in the authors' program all views are one pass, and the projector's hidden
// layer is normalised, of which the paper says nothing. The program normalises
// the output, too, and adds the losses of the two directions, where equation 1
// averages them.
//
// Defaults suit small images: solo-learn's temperature for CIFAR-10 (the
// paper's 0.1 is for ImageNet), and those of symmetric.
type SimCLR struct {
	contrastive
	without ablation
}

// negatives are what SimCLR can be made to do without: all that is left for a
// view is to be like its partner, and so all views become alike.
const negatives = "negatives"

func newSimCLR(s *flag.FlagSet) Method {
	m := &SimCLR{}
	m.bind(s, 0.2, published(publishedSymmetric, "temperature", "0.1"))
	m.without.bind(s, negatives)
	return m
}

// Name implements Method.
func (m *SimCLR) Name() string { return "simclr" }

// Training implements Method. That of the paper is in section 2.2.
func (m *SimCLR) Training() Training {
	t := smallTraining()
	if m.from.paper {
		t = paperTraining(100, 4096, 0.3, 1e-6)
	}
	t.WholeBatch = eachFromAll
	return t
}

// Loss implements Method.
func (m *SimCLR) Loss(net Net, b Batch) Result {
	z, similarity := m.embed(net, b)
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
