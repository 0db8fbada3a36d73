package method

import (
	"flag"
	"fmt"

	"selfstream/schemas"
)

// crop is the view that all methods of two views start from: a random part of
// the image, at least that share of it, mirrored every other time and grey
// every fifth.
func crop(size int, share float64) schemas.View {
	return schemas.View{
		Size: size,
		Crop: schemas.Crop{ScaleMin: share, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3},
		Flip: 0.5,
		Gray: 0.2,
	}
}

func checkCrop(share float64) error {
	if !(0 < share && share <= 1) {
		return fmt.Errorf("crop: have %g, want above 0 and at most 1", share)
	}
	return nil
}

// blur is a Gaussian blur of up to 2 pixels at 224, and of the same share of
// smaller images.
func blur(size int, p float64) schemas.Blur {
	return schemas.Blur{P: p, SigmaMin: 0.1, SigmaMax: max(0.1, 2*float64(size)/224)}
}

// blurs tells whether images of that size are worth a blur. Up to 64 pixels
// there is none in SimCLR's appendix B.9 and in lightly's benchmark on
// CIFAR-10: it would be a third of a pixel.
func blurs(size int) bool { return size > 64 }

// symmetric are the settings of SimCLR's pair of views (Chen et al., 2020,
// appendix A), which are distorted alike. The methods that learn from labels
// take it over, to be compared with SimCLR on the very same batches.
type symmetric struct {
	Crop   float64
	Jitter float64
	Blur   float64
}

// publishedSymmetric is what the authors have for ImageNet.
var publishedSymmetric = map[string]string{"crop": "0.08", "jitter": "1"}

// bind adds the settings. Defaults are MoCo's smallest crop (paper: 0.08), and
// the authors' colours for CIFAR-10 (on ImageNet: 1).
func (v *symmetric) bind(s *flag.FlagSet) {
	s.Float64Var(&v.Crop, "crop", 0.2, "smallest share of the image in a view")
	s.Float64Var(&v.Jitter, "jitter", 0.5, "strength of the colour jitter")
	s.Float64Var(&v.Blur, "blur", 0.5, "probability of a blur; images of up to 64 pixels are never blurred")
}

func (v *symmetric) validate() error {
	switch {
	case !(0 <= v.Jitter && v.Jitter <= 2):
		return fmt.Errorf("jitter: have %g, want 0 to 2", v.Jitter)
	case !(0 <= v.Blur && v.Blur <= 1):
		return fmt.Errorf("blur: have %g, want 0 to 1", v.Blur)
	}
	return checkCrop(v.Crop)
}

func (v *symmetric) recipe(size int) schemas.Recipe {
	one := crop(size, v.Crop)
	one.Jitter = schemas.Jitter{P: 0.8, Brightness: 0.8 * v.Jitter, Contrast: 0.8 * v.Jitter, Saturation: 0.8 * v.Jitter, Hue: 0.2 * v.Jitter}
	if blurs(size) {
		one.Blur = blur(size, v.Blur)
	}
	return schemas.Recipe{Views: []schemas.View{one, one}}
}

// asymmetric are the settings of BYOL's pair of views (Grill et al., 2020, table
// 6), which Barlow Twins took over: the first is always blurred, the second
// seldom blurred but at times solarized.
type asymmetric struct {
	Crop     float64
	Jitter   float64
	Solarize float64
}

func (a *asymmetric) bind(s *flag.FlagSet) {
	s.Float64Var(&a.Crop, "crop", 0.2, "smallest share of the image in a view")
	s.Float64Var(&a.Jitter, "jitter", 0.5, "strength of the colour jitter, times the paper's")
	s.Float64Var(&a.Solarize, "solarize", 0.2, "probability that the second view is solarized")
}

func (a *asymmetric) validate() error {
	switch {
	case !(0 <= a.Jitter && a.Jitter <= 4):
		return fmt.Errorf("jitter: have %g, want 0 to 4", a.Jitter)
	case !(0 <= a.Solarize && a.Solarize <= 1):
		return fmt.Errorf("solarize: have %g, want 0 to 1", a.Solarize)
	}
	return checkCrop(a.Crop)
}

func (a *asymmetric) recipe(size int, blurred bool) schemas.Recipe {
	first := crop(size, a.Crop)
	first.Jitter = schemas.Jitter{P: 0.8, Brightness: 0.4 * a.Jitter, Contrast: 0.4 * a.Jitter, Saturation: 0.2 * a.Jitter, Hue: 0.1 * a.Jitter}
	second := first
	second.Solarize = schemas.Solarize{P: a.Solarize, Threshold: 128}
	if blurred {
		first.Blur, second.Blur = blur(size, 1), blur(size, 0.1)
	}
	return schemas.Recipe{Views: []schemas.View{first, second}}
}
