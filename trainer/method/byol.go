package method

import (
	"flag"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
	"selfstream/trainer/layer"
	"selfstream/trainer/optim"
)

// BYOL learns to predict, from one view of an image, what a slowly moving
// average of the network itself makes of another. It needs no other images to
// compare with.
//
// Grill et al., 2020, "Bootstrap Your Own Latent", https://arxiv.org/abs/2006.07733.
// As in the authors' program each view is a pass of its own in both networks,
// the target network normalises by the batch too, keeps running statistics of
// its own, and starts from weights of its own. Defaults suit small images and
// short runs: in the paper the heads are 4096 wide, embeddings are not
// normalised, the target's momentum starts at 0.996, the smallest crop is 0.08,
// and colours are jittered twice as much.
type BYOL struct {
	from        recipe
	Momentum    float64
	Hidden, Dim int
	Normalize   bool
	views       asymmetric
	without     ablation
}

// What BYOL can be made to do without. Without a predictor the network itself
// has to be what its average is; without stopped gradients the target is the
// network itself, which learns to be easy to predict (Chen & He, 2021,
// "Exploring Simple Siamese Representation Learning", section 4.1).
const (
	predictor    = "predictor"
	stopGradient = "stop-gradient"
)

func newBYOL(s *flag.FlagSet) Method {
	m := &BYOL{}
	s.Float64Var(&m.Momentum, "momentum", 0.95, "of the target network at the first step; it ends at 1")
	s.IntVar(&m.Hidden, "hidden", 512, "width of the hidden layers of projector and predictor")
	s.IntVar(&m.Dim, "dim", 128, "dimensions of the embedding")
	s.BoolVar(&m.Normalize, "normalize", true, "normalise embeddings over the batch, as SimSiam does: they fill more dimensions sooner")
	m.views.bind(s)
	m.without.bind(s, predictor, stopGradient)
	m.from.bind(s, map[string]string{"momentum": "0.996", "hidden": "4096", "dim": "256", "crop": "0.08", "jitter": "1", "normalize": "false"})
	return m
}

// Name implements Method.
func (m *BYOL) Name() string { return "byol" }

// Validate implements Method.
func (m *BYOL) Validate() error {
	switch {
	case !(0 <= m.Momentum && m.Momentum <= 1):
		return fmt.Errorf("momentum: have %g, want 0 to 1", m.Momentum)
	case m.Hidden < 1:
		return fmt.Errorf("hidden: have %d, want at least 1", m.Hidden)
	case m.Dim < 1:
		return fmt.Errorf("dim: have %d, want at least 1", m.Dim)
	}
	return m.views.validate()
}

// Recipe implements Method: the two views of table 6.
func (m *BYOL) Recipe(size int) schemas.Recipe {
	return m.views.recipe(size, m.from.paper || blurs(size))
}

// Training implements Method. That of the paper is in section 3.3.
func (m *BYOL) Training() Training {
	t := smallTraining()
	t.Epochs = 200 // its features come later than those of the others
	if m.from.paper {
		t = paperTraining(1000, 4096, 0.2, 1.5e-6)
	}
	return t
}

// Loss implements Method.
func (m *BYOL) Loss(net Net, b Batch) Result {
	project := func(n Net, images *Node) *Node {
		z := mlp(n.Head("projector"), n.Encode(images).Features, n.Training, m.Hidden, m.Dim)
		if m.Normalize {
			z = layer.BatchNorm(n.Head("projector"), "bn2", z, n.Training)
		}
		return z
	}
	predict := func(z *Node) *Node {
		if m.without.lacks(predictor) {
			return z
		}
		return mlp(net.Head("predictor"), z, net.Training, m.Hidden, m.Dim)
	}

	first, second := b.pair()
	online0, online1 := project(net, first), project(net, second)
	embedding := Concatenate([]*Node{online0, online1}, 0)
	if m.without.lacks(stopGradient) {
		loss := Add(regression(predict(online0), online1), regression(predict(online1), online0))
		return Result{Loss: loss, Embedding: embedding}
	}
	target := net.Target()
	target0, target1 := project(target, first), project(target, second)
	target.freeze()

	momentum := func(progress *Node) *Node { return optim.Cosine(progress, m.Momentum, 1) }
	return Result{
		Loss:      bootstrap(predict(online0), predict(online1), target0, target1),
		Embedding: embedding,
		Values:    map[string]*Node{"momentum": momentum(b.Progress)},
		After:     func(progress *Node) { optim.MovingAverage(target.Scope, net.Scope, momentum(progress)) },
	}
}

// bootstrap is the loss of both directions: the predictions p of each view
// against what the target network made of the other, z, all [N, d] (section
// 3.1 of the paper). No gradient goes into the targets.
func bootstrap(p0, p1, z0, z1 *Node) *Node {
	return Add(regression(p0, StopGradient(z1)), regression(p1, StopGradient(z0)))
}

// regression is the mean squared distance of the normalised rows, 2 − 2·cos:
// equation 2 of the paper.
func regression(p, z *Node) *Node {
	cosines := ReduceSum(Mul(normalize(p), normalize(z)), 1)
	return MulScalar(ReduceAllMean(OneMinus(cosines)), 2)
}
