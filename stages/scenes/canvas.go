package scenes

import (
	"math"

	"selfstream/stages/random"
	"selfstream/stages/view"
)

// Size is the side of a picture, in pixels.
const Size = 96

// canvas is a picture in the making.
type canvas [Size * Size]colour

// brush is what to lay over a point, and how much of it, 0 to 1.
type brush func(p vec) (colour, float64)

// paint lays b over all points no farther from the centre than reach.
func (c *canvas) paint(centre vec, reach float64, b brush) {
	x0, x1 := span(centre.x, reach)
	y0, y1 := span(centre.y, reach)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			if over, alpha := b(vec{float64(x) + 0.5, float64(y) + 0.5}); alpha > 0 {
				under := &c[y*Size+x]
				*under = under.mix(over, alpha)
			}
		}
	}
}

// span is the range of pixels within reach of x.
func span(x, reach float64) (from, to int) {
	return max(0, int(math.Floor(x-reach))), min(Size, int(math.Ceil(x+reach)))
}

// develop makes pixels of the canvas, with the grain of a film.
func (c *canvas) develop(grain float64, key random.Key) *view.RGB {
	img := view.NewRGB(Size, Size)
	for i, col := range c {
		noise := key.Uint64(uint64(i))
		for ch, v := range [3]float64{col.r, col.g, col.b} {
			// The sum of two bytes has a triangular distribution.
			n := float64(noise&0xff+noise>>8&0xff)/255 - 1
			noise >>= 16
			img.Pix[3*i+ch] = uint8(clamp(v+float64(grain*n), 0, 1)*255 + 0.5)
		}
	}
	return img
}

// colour has parts from 0 to 1, as they are stored in a file.
type colour struct{ r, g, b float64 }

func (c colour) mix(d colour, t float64) colour {
	return colour{lerp(c.r, d.r, t), lerp(c.g, d.g, t), lerp(c.b, d.b, t)}
}

func (c colour) bright(k float64) colour { return colour{c.r * k, c.g * k, c.b * k} }

func (c colour) luma() float64 {
	return float64(0.299*c.r) + float64(0.587*c.g) + float64(0.114*c.b)
}

// tint is the colour of a hue (in turns) with the luma and as much of the
// hue's own strength as asked for.
func tint(hue, strength, luma float64) colour {
	part := func(offset float64) float64 {
		return clamp(math.Abs(cell(hue+offset)*6)-1, 0, 1)
	}
	pure := colour{part(0.5), part(0.5 - 1./3), part(0.5 + 1./3)}
	grey := pure.luma()
	move := func(x float64) float64 { return clamp(luma+float64(strength*(x-grey)), 0, 1) }
	return colour{move(pure.r), move(pure.g), move(pure.b)}
}
