package trainer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/schemas"
	"selfstream/trainer/feed"
)

// inputs are the tensors that a pass takes of a batch: labels, answers if the
// recipe makes some, and views. They are filled again for other passes: where the
// backend shares its memory, a message's pixels are copied once, to where it
// computes on them, and elsewhere once more, to the device. They stay bytes on
// the way.
//
// A tensor for each view is a transfer for each, where one of all would do: but
// nobody waits for them, as they are made while a step is.
type inputs []*tensors.Tensor

// inputShapes are the shapes of the inputs for n images.
func inputShapes(recipe schemas.Recipe, n int) []shapes.Shape {
	all := []shapes.Shape{shapes.Make(dtypes.Int32, n)}
	if recipe.Answers() > 0 {
		all = append(all, shapes.Make(dtypes.Int32, n))
	}
	for _, side := range recipe.Sizes() {
		all = append(all, shapes.Make(dtypes.Uint8, n, side, side, 3))
	}
	return all
}

func newInputs(on compute.Backend, all []shapes.Shape) (inputs, error) {
	var in inputs
	for _, shape := range all {
		t, err := tensors.FromShapeForBackend(on, 0, shape)
		if err != nil {
			free(in)
			return nil, err
		}
		in = append(in, t)
	}
	return in, nil
}

// fill takes the images of a batch from first on. No pass may be at work on the
// inputs.
func (in inputs) fill(b *feed.Batch, first int) error {
	numbers := [][]int32{b.Labels}
	if b.Answers != nil {
		numbers = append(numbers, b.Answers)
	}
	for i, of := range numbers {
		if err := tensors.MutableFlatData(in[i], func(flat []int32) { copy(flat, of[first:]) }); err != nil {
			return err
		}
	}
	for i, v := range b.Views {
		if err := in[len(numbers)+i].MutableBytes(func(pixels []byte) { v.Copy(pixels, first) }); err != nil {
			return err
		}
	}
	return nil
}

// send brings the inputs to the device, unless the backend shares their memory.
func (in inputs) send(on compute.Backend) error {
	for _, t := range in {
		if err := t.MaterializeOnDevice(on, true, 0); err != nil {
			return err
		}
	}
	return nil
}
