// Package method turns a batch of views into a loss: the ways of learning that
// there are, without labels and, to compare with, from them, one file each. This file says what a method is;
// registry.go lists those there are.
package method

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"selfstream/schemas"
	"selfstream/trainer/encoder"
)

// Method is a way of learning: what it asks of the augmenter, and what it asks
// of the trainer.
type Method interface {
	// Name is what the method is chosen by.
	Name() string

	// Validate reports the first setting that cannot work.
	Validate() error

	// Recipe is what an augmenter makes of one image, for images of that size.
	// Its views come back as Batch.Views, in the same order.
	Recipe(size int) schemas.Recipe

	// Training is the run that suits the method, and what it cannot do without.
	Training() Training

	// Loss builds the graph of one batch: the encoder, what the method puts on
	// top of it, and the loss.
	Loss(net Net, b Batch) Result
}

// Batch is what a training step starts from.
type Batch struct {
	Views    []*Node // of the recipe: uint8 [B, S, S, 3] each
	Answers  *Node   // int32 [B]: what the recipe asks, of schemas.Recipe.Answers choices; nil if it asks nothing
	Labels   *Node   // int32 [B]: the dataset's classes, −1 where unknown; to be looked at, and learned from only by methods with Training.Labels
	Classes  int     // that the dataset has; 0 if it has no labels
	Progress *Node   // float32 scalar, from 0 at the run's first step to 1 at its last; see optim.Progress
}

// pair is the two views of a method that compares them. A loss of a view with
// nothing, or with itself, would train quietly, and to no end.
func (b Batch) pair() (first, second *Node) {
	b.check(2)
	return b.Views[0], b.Views[1]
}

// pairLabels are the classes of both views, the first ones before the second
// ones: int32 [2B].
func (b Batch) pairLabels() *Node { return Concatenate([]*Node{b.Labels, b.Labels}, 0) }

// check panics unless there are that many views.
func (b Batch) check(views int) {
	if len(b.Views) != views {
		exceptions.Panicf("method: have a batch of %d views, want %d", len(b.Views), views)
	}
}

// Result is what a training step makes of a batch.
type Result struct {
	Loss      *Node            // float32 scalar
	Embedding *Node            // float32 [n, d], to be watched for collapse; of two views, that of the first above that of the second
	Chance    float64          // the loss of blind guessing, such as ln 8 for 8 choices; 0 where there is none
	Values    map[string]*Node // float32 scalars for people, such as the accuracy of a pretext task

	// After builds what moves besides gradients, such as a moving average of
	// the weights. It is called when the optimiser has set the new weights, and
	// only in training; progress is the batch's, which may be in another graph
	// than the loss. It is nil for most methods.
	After func(progress *Node)
}

// Net is the network that a run trains.
type Net struct {
	Encoder  encoder.Encoder
	Scope    *model.Scope // of the whole network: the encoder is below "encoder", all else below "head"
	Training bool         // normalise by the batch, and keep running statistics
}

// Encode is one pass of images, uint8 [B, S, S, 3], through the encoder. All
// passes share the weights; each has batch statistics of its own.
func (n Net) Encode(images *Node) encoder.Output {
	return n.Encoder.Forward(n.Scope.At("encoder"), images, n.Training)
}

// Head is the place of the variables of a part on top of the encoder, such as
// "projector".
func (n Net) Head(part string) *model.Scope { return n.Scope.At("head").At("%s", part) }

// Target is a second network of the same form, below "target", with weights of
// its own. It is for methods that move it themselves; see freeze.
func (n Net) Target() Net {
	n.Scope = n.Scope.At("target")
	return n
}

// freeze keeps all variables of the network that exist by now from training.
func (n Net) freeze() {
	for v := range n.Scope.IterVariables() {
		v.SetTrainable(false)
	}
}
