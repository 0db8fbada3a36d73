package view

import (
	"image"
	"math"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// cropAttempts is how often a box that does not fit is drawn again.
const cropAttempts = 10

// drawBox draws the box of a random crop out of w×h pixels, as torchvision's
// RandomResizedCrop.get_params does: an area of a uniform share of the image
// and a log-uniform ratio of width to height. A box that fits lies anywhere
// with equal chance. After ten that do not fit, it is the largest box in the
// middle whose ratio is allowed.
func drawBox(c schemas.Crop, w, h int, key random.Key) image.Rectangle {
	for attempt := range uint64(cropAttempts) {
		i := 4 * attempt
		area := float64(w) * float64(h) * key.Uniform(i, c.ScaleMin, c.ScaleMax)
		ratio := c.RatioMin * power(c.RatioMax/c.RatioMin, key.Float64(i+1))
		bw := int(math.RoundToEven(math.Sqrt(area * ratio)))
		bh := int(math.RoundToEven(math.Sqrt(area / ratio)))
		if 0 < bw && bw <= w && 0 < bh && bh <= h {
			top := key.IntN(i+2, h-bh+1)
			left := key.IntN(i+3, w-bw+1)
			return image.Rect(left, top, left+bw, top+bh)
		}
	}
	bw, bh := w, h
	switch ratio := float64(w) / float64(h); {
	case ratio < c.RatioMin:
		bh = max(1, int(math.RoundToEven(float64(w)/c.RatioMin)))
	case ratio > c.RatioMax:
		bw = max(1, int(math.RoundToEven(float64(h)*c.RatioMax)))
	}
	left, top := (w-bw)/2, (h-bh)/2
	return image.Rect(left, top, left+bw, top+bh)
}
