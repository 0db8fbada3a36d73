// Package encoder turns images into features: the networks whose weights a run
// learns, one file per family.
package encoder

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// Encoder is a network without a head.
type Encoder struct {
	Name   string
	Dim    int      // of the features
	Stages []string // from the image to the features, which are those of the last stage

	// forward turns normalised images [B, H, W, 3] into the feature map of
	// every stage.
	forward func(s *model.Scope, x layer.Maps, training bool) []layer.Maps
}

// Output is what an Encoder makes of a batch.
type Output struct {
	Map      *Node   // of the last stage, [B, H', W', Dim]: for heads that look where something is
	Features *Node   // its average over the image, [B, Dim]
	Stages   []*Node // of every stage, averaged alike: [B, channels of the stage]; the last one are the Features
}

var encoders = []Encoder{
	tiny(),
	resnet("resnet18", basicBlock, [4]int{2, 2, 2, 2}, false),
	resnet("resnet18", basicBlock, [4]int{2, 2, 2, 2}, true),
	resnet("resnet34", basicBlock, [4]int{3, 4, 6, 3}, false),
	resnet("resnet34", basicBlock, [4]int{3, 4, 6, 3}, true),
	resnet("resnet50", bottleneck, [4]int{3, 4, 6, 3}, false),
	resnet("resnet50", bottleneck, [4]int{3, 4, 6, 3}, true),
	alexnet("", layer.Window{Kernel: 11, Stride: 4, Padding: 5}),
	alexnet("-cfn", layer.Window{Kernel: 11, Stride: 2}),
	alexnet("-small", layer.Window{Kernel: 5, Stride: 1, Padding: 2}),
}

// Names lists the encoders there are. Those whose names end in "-small" have
// the stem for images of up to about 64 pixels.
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

// Forward builds the graph of e on images [B, H, W, 3] in RGB: bytes, or floats
// of about mean 0 and variance 1. Its parameters and running statistics are
// variables of s, with torchvision's names; those that do not exist are made, their first values drawn from the
// seed of the store (layer.SetSeed). In training, batch normalisation uses the
// statistics of the batch and moves the running ones.
func (e Encoder) Forward(s *model.Scope, images *Node, training bool) Output {
	images.AssertDims(-1, -1, -1, 3)
	parts := layer.Cut(images)
	if images.DType() == dtypes.Uint8 {
		for i := range parts {
			parts[i] = normalise(parts[i])
		}
	}
	maps := e.forward(s, parts, training)
	out := Output{Map: maps[len(maps)-1].Whole()}
	for _, m := range maps {
		out.Stages = append(out.Stages, m.Average())
	}
	out.Features = out.Stages[len(maps)-1]
	out.Features.AssertDims(images.Shape().Dim(0), e.Dim)
	return out
}

// Per channel, of ImageNet's images scaled to 0 … 1: what torchvision's
// weights expect, and near enough to any photographs.
var (
	imageNetMean = []float32{0.485, 0.456, 0.406}
	imageNetStd  = []float32{0.229, 0.224, 0.225}
)

// normalise maps bytes to about mean 0 and variance 1.
func normalise(images *Node) *Node {
	g := images.Graph()
	scale, shift := make([]float32, 3), make([]float32, 3)
	for c := range scale {
		scale[c] = 1 / (255 * imageNetStd[c])
		shift[c] = -imageNetMean[c] / imageNetStd[c]
	}
	x := ConvertDType(images, dtypes.Float32)
	x = Mul(x, Reshape(Const(g, scale), 1, 1, 1, 3))
	return Add(x, Reshape(Const(g, shift), 1, 1, 1, 3))
}
