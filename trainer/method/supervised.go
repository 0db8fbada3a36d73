package method

import (
	"flag"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
	"selfstream/trainer/layer"
)

// Supervised is what the others are compared with: the encoder with one linear
// layer on top, and the cross entropy of the softmax against the labels.
//
//	1/n Σᵢ −ln exp(xᵢ,yᵢ) / Σ_c exp(xᵢ,c)
//
// for the logits x [n, C] and labels y of the n views. It takes both views of
// SimCLR's pair, as two images of one class, in one pass, so that with equal
// settings and seed it sees the very pixels that SimCLR sees, in the same steps.
//
// recipe=paper is the training of Goyal et al., 2017, "Accurate, Large Minibatch
// SGD: Training ImageNet in 1 Hour", section 5.1, https://arxiv.org/abs/1706.02677,
// with a cosine in place of steps and with SimCLR's distortions: theirs are
// crops and mirror images alone.
type Supervised struct {
	from  recipe
	views symmetric
}

func newSupervised(s *flag.FlagSet) Method {
	m := &Supervised{}
	m.views.bind(s)
	m.from.bind(s, publishedSymmetric)
	return m
}

// Name implements Method.
func (m *Supervised) Name() string { return "supervised" }

// Validate implements Method.
func (m *Supervised) Validate() error { return m.views.validate() }

// Recipe implements Method: SimCLR's two views.
func (m *Supervised) Recipe(size int) schemas.Recipe { return m.views.recipe(size) }

// Training implements Method.
func (m *Supervised) Training() Training {
	t := smallTraining()
	if m.from.paper {
		t = Training{
			Encoder: "resnet50", ImageSize: 224, Epochs: 90, Batch: 256,
			Optimizer: "sgd", LearningRate: 0.1, BaseBatch: 256, WeightDecay: 1e-4, Warmup: 5. / 90,
		}
	}
	t.Labels = true
	return t
}

// Loss implements Method. Where there are no classes, it is 0: an evaluator may
// ask for the embedding of images that have none.
func (m *Supervised) Loss(net Net, b Batch) Result {
	first, second := b.pair()
	features := net.Encode(Concatenate([]*Node{first, second}, 0)).Features // [2N, Dim]
	if b.Classes == 0 {
		return Result{Loss: ScalarZero(features.Graph(), features.DType()), Embedding: features}
	}
	logits := layer.Linear(net.Head("classifier"), "fc", features, b.Classes, true)
	loss, accuracy := choice(logits, b.pairLabels(), ReduceAllMean)
	return Result{
		Loss:      loss,
		Embedding: features,
		Chance:    math.Log(float64(b.Classes)),
		Values:    map[string]*Node{"class_accuracy": accuracy},
	}
}
