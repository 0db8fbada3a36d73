package method

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// What context prediction and jigsaw have in common: patches, towers that share
// their weights, and an answer to choose.

// PretextAccuracy is the value of a Result, and of a metric, that says how often
// the largest of the logits is that of the right answer.
const PretextAccuracy = "pretext_accuracy"

// patches are the views as the encoder takes them: as they are, or each brought
// to mean 0 and variance 1.
func patches(views []*Node, normalize bool) []*Node {
	if !normalize {
		return views
	}
	all := make([]*Node, len(views))
	for i, v := range views {
		all[i] = standardizePatches(v)
	}
	return all
}

// standardizePatches gives each patch, uint8 [N, S, S, 3], mean 0 in every
// channel and variance 1 over all of them: what it shows counts, and not how
// bright or how rich in contrast it is. A patch of one colour becomes 0.
func standardizePatches(patches *Node) *Node {
	x := ConvertDType(patches, dtypes.Float32)
	x = Sub(x, ReduceAndKeep(x, ReduceMean, 1, 2))
	variance := ReduceAndKeep(Square(x), ReduceMean, 1, 2, 3)
	return Div(x, Sqrt(AddScalar(variance, patchEpsilon)))
}

// patchEpsilon is the variance of half a level, which keeps the rounding of a
// patch of almost one colour from filling it.
const patchEpsilon = 0.25

// towers sends patches [B, S, S, 3] through networks that share their weights,
// up to fc6, and lays the codes of an image side by side: [B, len(patches)·width].
// The features are those of all patches, [len(patches)·B, Dim].
//
// All are one pass, so that batch normalisation sees the patches of all places
// together and tells none by its place.
func towers(net Net, head *model.Scope, patches []*Node, width int) (codes, features *Node) {
	n, batch := len(patches), patches[0].Shape().Dim(0)
	out := net.Encode(Concatenate(patches, 0))
	codes = dense(head, "fc6", Reshape(out.Map, n*batch, -1), width, net.Training)
	codes = TransposeAllAxes(Reshape(codes, n, batch, width), 1, 0, 2)
	return Reshape(codes, batch, n*width), out.Features
}

// dense is a fully connected layer with batch normalisation and ReLU. The
// normalisation has neither scale nor shift, as in the authors' program of
// context prediction: with them, a network can silence all that it knows of a
// patch.
func dense(s *model.Scope, name string, x *Node, width int, training bool) *Node {
	x = layer.BatchNormPlain(s, name+".norm", layer.Linear(s, name, x, width, false), training)
	return layer.ReLU(x)
}

// mean makes one number of one per row, [B].
type mean func(rows *Node) *Node

// answered is what the logits [B, n] of n answers come to, given the right
// ones, int32 [B].
func answered(logits, right, features *Node, over mean) Result {
	loss, accuracy := choice(logits, right, over)
	return Result{
		Loss:      loss,
		Embedding: features,
		Chance:    math.Log(float64(logits.Shape().Dim(1))),
		Values:    map[string]*Node{PretextAccuracy: accuracy},
	}
}

// choice is the mean over the rows of −ln softmax(logits)[right], and the share
// of rows in which the right answer has the largest logit of all, alone.
func choice(logits, right *Node, over mean) (loss, accuracy *Node) {
	answers := Iota(logits.Graph(), shapes.Make(dtypes.Int32, logits.Shape().Dimensions...), 1)
	isRight := Equal(answers, ExpandAxes(right, 1))
	own := ReduceSum(Where(isRight, logits, ZerosLike(logits)), 1)
	loss = over(Sub(logSumExp(logits), own))

	never := Infinity(logits.Graph(), logits.DType(), -1)
	others := ReduceMax(Where(isRight, never, logits), 1)
	return loss, over(ConvertDType(GreaterThan(own, others), logits.DType()))
}

func checkProbabilities(all map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if p := all[name]; !(0 <= p && p <= 1) {
			return fmt.Errorf("%s: have probability %g, want 0 to 1", name, p)
		}
	}
	return nil
}

func checkWidths(fc6, fc7 int) error {
	if fc6 < 1 || fc7 < 1 {
		return fmt.Errorf("fc6 and fc7: have widths %d and %d, want at least 1", fc6, fc7)
	}
	return nil
}
