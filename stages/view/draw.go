package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// Drawn is what chance decided for one view of one image: all that Apply needs
// to know.
type Drawn struct {
	Box        image.Rectangle // of the source
	Flip       bool
	Brightness float64 // these three are factors; 1 changes nothing
	Contrast   float64
	Saturation float64
	Hue        float64 // in turns; 0 changes nothing
	Order      [4]int  // in which the four above happen, as 0 … 3
	Gray       bool
	Blur       float64 // standard deviation in pixels; 0: none
	Solarize   int     // threshold; 256: none
}

// The branches of a view's key, one for each operation: what one of them draws
// does not depend on the others. A new operation goes to the end.
const (
	cropBranch = iota
	flipBranch
	jitterBranch
	grayBranch
	blurBranch
	solarizeBranch
)

// Draw decides about one view of an image of w×h pixels.
func Draw(v schemas.View, w, h int, key random.Key) Drawn {
	d := Drawn{Brightness: 1, Contrast: 1, Saturation: 1, Solarize: 256}
	d.Box = drawBox(v.Crop, w, h, key.Fold(cropBranch))
	d.Flip = happens(v.Flip, key.Fold(flipBranch))
	if k := key.Fold(jitterBranch); happens(v.Jitter.P, k) {
		d.drawJitter(v.Jitter, k)
	}
	d.Gray = happens(v.Gray, key.Fold(grayBranch))
	if k := key.Fold(blurBranch); happens(v.Blur.P, k) {
		d.Blur = k.Uniform(1, v.Blur.SigmaMin, v.Blur.SigmaMax)
	}
	if happens(v.Solarize.P, key.Fold(solarizeBranch)) {
		d.Solarize = v.Solarize.Threshold
	}
	return d
}

// happens is true with probability p. It takes number 0 of an operation's key;
// parameters come from number 1 on.
func happens(p float64, key random.Key) bool { return key.Float64(0) < p }
