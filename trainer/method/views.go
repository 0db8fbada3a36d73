package method

import "selfstream/schemas"

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

// blur is a Gaussian blur of up to 2 pixels at 224, and of the same share of
// smaller images. Up to 64 pixels there is none, as in SimCLR's appendix B.9
// and lightly's benchmark on CIFAR-10: it would be a third of a pixel.
func blur(size int, p float64) schemas.Blur {
	if size <= 64 {
		return schemas.Blur{}
	}
	return schemas.Blur{P: p, SigmaMin: 0.1, SigmaMax: 2 * float64(size) / 224}
}
