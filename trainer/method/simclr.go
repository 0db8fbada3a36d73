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
// images of the batch: among 2N embeddings, each has to find its partner by a
// softmax over cosine similarities.
//
// Chen et al., 2020, "A Simple Framework for Contrastive Learning of Visual
// Representations", https://arxiv.org/abs/2002.05709.
type SimCLR struct {
	Temperature float64
	Hidden, Dim int     // widths of the projector; Hidden 0: that of the features
	Crop        float64 // smallest share of the image that a view may show
	Jitter      float64 // strength of the colour jitter
	Blur        float64 // probability
}

func newSimCLR(s *flag.FlagSet) Method {
	m := &SimCLR{}
	s.Float64Var(&m.Temperature, "temperature", 0.2, "divides the similarities: lower looks harder at the most similar images")
	s.IntVar(&m.Hidden, "hidden", 0, "width of the projector's hidden layer; 0: that of the encoder's features")
	s.IntVar(&m.Dim, "dim", 128, "dimensions of the embedding")
	s.Float64Var(&m.Crop, "crop", 0.2, "smallest share of the image that a view shows")
	s.Float64Var(&m.Jitter, "jitter", 0.5, "strength of the colour jitter; the paper has 1 on ImageNet and 0.5 on CIFAR-10")
	s.Float64Var(&m.Blur, "blur", 0, "probability of a Gaussian blur")
	return m
}

func (m *SimCLR) Name() string { return "simclr" }

func (m *SimCLR) Validate() error {
	if !(m.Temperature > 0) {
		return fmt.Errorf("temperature: have %g, want above 0", m.Temperature)
	}
	return nil
}

func (m *SimCLR) Recipe(size int) schemas.Recipe { return schemas.Recipe{} }

func (m *SimCLR) Loss(net Net, b Batch) Result { return Result{} }

var _ = math.Log
var _ = dtypes.Float32
var _ shapes.Shape
var _ *Node
