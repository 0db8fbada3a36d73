package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// Drawn is what chance decided for one view of one image.
type Drawn struct {
	Box  image.Rectangle // of the source
	Flip bool
}

// The branches of a view's key. Each operation draws from its own, so that it
// takes nothing from the others whichever way its chance falls.
const (
	cropBranch = iota
	flipBranch
)

// Draw decides about one view of an image of w×h pixels.
func Draw(v schemas.View, w, h int, key random.Key) Drawn {
	return Drawn{
		Box:  drawBox(v.Crop, w, h, key.Fold(cropBranch)),
		Flip: key.Fold(flipBranch).Float64(0) < v.Flip,
	}
}
