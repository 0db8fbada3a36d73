// Package encoder turns images into features: the networks whose weights a run
// learns.
package encoder

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Encoder is a network without a head.
type Encoder struct {
	Name   string
	Dim    int      // of the features
	Stages []string // the names of the stages, in order; the last one's are the features

	forward func(s *model.Scope, x *Node, training bool) []*Node
}

// Output is what an Encoder makes of a batch.
type Output struct {
	Features *Node   // [B, Dim]
	Stages   []*Node // of every stage, averaged over the image: [B, channels]
}

var encoders = []Encoder{tiny()}

// Names lists the encoders there are.
func Names() []string {
	names := make([]string, len(encoders))
	for i, e := range encoders {
		names[i] = e.Name
	}
	return names
}

// New returns the encoder of that name.
func New(name string) (Encoder, error) {
	for _, e := range encoders {
		if e.Name == name {
			return e, nil
		}
	}
	return Encoder{}, fmt.Errorf("choosing an encoder: have %q, want one of %s", name, strings.Join(Names(), ", "))
}

// Forward builds the graph of e on images, uint8 [B, H, W, 3], with its
// parameters and running statistics below s. In training, batch normalisation
// uses and tracks the statistics of the batch.
func (e Encoder) Forward(s *model.Scope, images *Node, training bool) Output {
	stages := e.forward(s, normalise(images), training)
	return Output{Features: stages[len(stages)-1], Stages: stages}
}

// normalise maps bytes to float32 with mean 0 and variance 1 over ImageNet,
// per channel.
func normalise(images *Node) *Node {
	x := DivScalar(ConvertDType(images, dtypes.Float32), 255)
	mean := Const(x.Graph(), [][][][]float32{{{{0.485, 0.456, 0.406}}}})
	std := Const(x.Graph(), [][][][]float32{{{{0.229, 0.224, 0.225}}}})
	return Div(Sub(x, mean), std)
}
