package method

import (
	"flag"

	. "github.com/gomlx/gomlx/core/graph"
)

// SupCon is supervised contrastive learning: SimCLR, in which a view has to
// find all views of its class among all others, not only its partner.
//
// Khosla et al., 2020, "Supervised Contrastive Learning",
// https://arxiv.org/abs/2004.11362. The loss is L_out, equation 2, averaged over
// the 2N views where the paper adds them up. The authors' program multiplies
// that by temperature/0.07; the paper does not, and neither does this. The
// projector is SimCLR's.
//
// recipe=paper is the training of the authors' program, on CIFAR-10, with
// SimCLR's distortions.
type SupCon struct{ contrastive }

func newSupCon(s *flag.FlagSet) Method {
	m := &SupCon{}
	m.bind(s, 0.1, publishedSymmetric)
	return m
}

// Name implements Method.
func (m *SupCon) Name() string { return "supcon" }

// Training implements Method.
func (m *SupCon) Training() Training {
	t := smallTraining()
	if m.from.paper {
		t = Training{
			Encoder: "resnet50", ImageSize: 32, Epochs: 1000, Batch: 1024,
			Optimizer: "sgd", LearningRate: 0.5, BaseBatch: 1024, WeightDecay: 1e-4, Warmup: 0.01,
		}
	}
	t.WholeBatch, t.Labels = eachFromAll, true
	return t
}

// Loss implements Method.
func (m *SupCon) Loss(net Net, b Batch) Result {
	return m.byClass(net, b, func(mates *Node) *Node { return mates })
}
