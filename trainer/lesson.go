package trainer

import (
	"github.com/gomlx/compute/dtypes"

	"selfstream/schemas"
	"selfstream/trainer/encoder"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// lesson is what a learner learns, and how.
type lesson struct {
	method    method.Method
	encoder   encoder.Encoder
	optimizer optim.Optimizer
	recipe    schemas.Recipe
	classes   int // that the dataset has
	batch     int
	parts     int          // in which a batch goes through the network, one after the other; 0 and 1: whole
	precision dtypes.DType // see layer.SetPrecision; 0: float32
	clipNorm  float64      // see optim.Move
}

// newLesson looks up what a config names, for a dataset of that many classes.
func newLesson(c schemas.Config, classes int) (lesson, error) {
	l := lesson{classes: classes, batch: c.Batch, parts: c.Accumulate, clipNorm: c.ClipNorm}
	if c.Precision == schemas.BFloat16 {
		l.precision = dtypes.BFloat16
	}
	var err error
	if l.method, err = method.New(c.Method, c.Settings); err != nil {
		return l, err
	}
	if err := method.CheckParts(l.method, c.Accumulate); err != nil {
		return l, err
	}
	if l.encoder, err = encoder.New(c.Encoder); err != nil {
		return l, err
	}
	if l.optimizer, err = optim.New(c.Optimizer, c.WeightDecay); err != nil {
		return l, err
	}
	l.recipe = l.method.Recipe(c.ImageSize)
	return l, nil
}
