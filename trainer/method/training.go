package method

import "fmt"

// Training is what a method asks of the trainer. A person's own choice goes
// before each field but the last two.
type Training struct {
	Encoder   string
	ImageSize int // side of a view, in pixels
	Epochs    int // passes over the images
	Batch     int // images; a small dataset gets fewer

	Optimizer    string  // see optim.New
	LearningRate float64 // at the top of its schedule, for a batch of BaseBatch
	BaseBatch    int     // images; the learning rate is in proportion to the batch. 0: it is the same for all
	WeightDecay  float64
	Warmup       float64 // share of the steps

	// WholeBatch says why the loss needs all images of a batch at once. It is
	// empty for a mean over images, whose gradient may be accumulated from
	// parts of the batch.
	WholeBatch string

	// Labels says that the method learns from the classes of the dataset: every
	// image needs one.
	Labels bool
}

// smallTraining is for small images, some thousands of them, and minutes on a
// laptop. A fifth of the epochs has most of what features gain.
func smallTraining() Training {
	return Training{
		Encoder: "tiny", ImageSize: 32, Epochs: 100, Batch: 128,
		Optimizer: "adamw", LearningRate: 4e-3, WeightDecay: 1e-4, Warmup: 0.1,
	}
}

// paperTraining is what the papers have in common, on ImageNet: LARS, with a
// learning rate for 256 images that is in proportion to the batch, and ten
// epochs of warm-up.
func paperTraining(epochs, batch int, learningRate, weightDecay float64) Training {
	return Training{
		Encoder: "resnet50", ImageSize: 224, Epochs: epochs, Batch: batch,
		Optimizer: "lars", LearningRate: learningRate, BaseBatch: 256, WeightDecay: weightDecay, Warmup: 10 / float64(epochs),
	}
}

// CheckParts refuses to take a batch in more than one part where the loss does
// not allow it.
func CheckParts(m Method, parts int) error {
	if why := m.Training().WholeBatch; parts > 1 && why != "" {
		return fmt.Errorf("method %s cannot take a batch in %d parts: %s", m.Name(), parts, why)
	}
	return nil
}
