// Package viewtest draws images whose views tell on the code that made them.
package viewtest

import (
	"math"

	"selfstream/stages/random"
	"selfstream/stages/view"
)

// Coordinates is an image of at most 256×256 pixels, each of which says where
// it is: red is x, green is y, and blue is x+y modulo 256.
func Coordinates(w, h int) *view.RGB {
	img := view.NewRGB(w, h)
	for y := range h {
		for x := range w {
			copy(img.Pix[3*(w*y+x):], []uint8{uint8(x), uint8(y), uint8(x + y)})
		}
	}
	return img
}

// Gradient is an image without texture: each channel rises evenly in a
// direction of its own, over half of its range or more. There is nothing in it to
// recognise, so a network that finds out how its patches lie has found a
// shortcut: that it gets brighter to the right, say.
func Gradient(w, h int, key random.Key) *view.RGB {
	img := view.NewRGB(w, h)
	for channel := range 3 {
		k := key.Fold(uint64(channel))
		turn := k.Float64(0) * 2 * math.Pi
		dx, dy := math.Cos(turn), math.Sin(turn)
		span := k.Uniform(1, 128, 255)
		// Along the direction the corners lie from −reach to reach.
		reach := (math.Abs(dx)*float64(w-1) + math.Abs(dy)*float64(h-1)) / 2
		low := k.Uniform(2, 0, 255-span)
		for y := range h {
			for x := range w {
				along := dx*(float64(x)-float64(w-1)/2) + dy*(float64(y)-float64(h-1)/2)
				img.Pix[3*(w*y+x)+channel] = uint8(low + span*(along/max(reach, 1)+1)/2)
			}
		}
	}
	return img
}
