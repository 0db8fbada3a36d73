package scenes

import (
	"math"

	"selfstream/stages/random"
	"selfstream/stages/view"
)

// Size is the side of a picture, in pixels.
const Size = 96

// canvas is a picture in the making, in rows from top to bottom.
type canvas [Size * Size]colour

// paint lays a brush over all points no farther from the centre than reach.
// The brush says of a point what colour to lay there, and how much of it.
func (c *canvas) paint(centre vec, reach float64, brush func(p vec) (colour, float64)) {
	left, right := span(centre.x, reach)
	top, low := span(centre.y, reach)
	for y := top; y < low; y++ {
		for x := left; x < right; x++ {
			if over, share := brush(vec{float64(x) + 0.5, float64(y) + 0.5}); share > 0 {
				under := &c[y*Size+x]
				*under = under.mix(over, share)
			}
		}
	}
}

// span is the range of pixels within reach of x.
func span(x, reach float64) (from, to int) {
	return max(0, int(math.Floor(x-reach))), min(Size, int(math.Ceil(x+reach)))
}

// develop makes pixels of the canvas and gives them grain.
func (c *canvas) develop(grain float64, key random.Key) *view.RGB {
	img := view.NewRGB(Size, Size)
	for i, col := range c {
		bits := key.Uint64(uint64(i))
		for channel, v := range [3]float64{col.r, col.g, col.b} {
			// The sum of two bytes: small errors are more frequent than large ones.
			noise := float64(bits&0xff+bits>>8&0xff)/255 - 1
			bits >>= 16
			img.Pix[3*i+channel] = uint8(float64(255*clamp(v+float64(grain*noise), 0, 1)) + 0.5)
		}
	}
	return img
}

// colour has parts from 0 to 1, as they are stored in a file. Parts beyond that
// are cut off when the picture is developed.
type colour struct{ r, g, b float64 }

// rgb is the colour of a hexadecimal number such as 0xff8000.
func rgb(hex int) colour {
	return colour{float64(hex>>16) / 255, float64(hex>>8&0xff) / 255, float64(hex&0xff) / 255}
}

func (c colour) mix(d colour, t float64) colour {
	return colour{lerp(c.r, d.r, t), lerp(c.g, d.g, t), lerp(c.b, d.b, t)}
}

func (c colour) times(k float64) colour {
	return colour{float64(k * c.r), float64(k * c.g), float64(k * c.b)}
}
