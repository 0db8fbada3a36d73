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

// Clouds is a grey image of soft blots, about size pixels wide, at random.
func Clouds(w, h, size int, key random.Key) *view.RGB {
	img := view.NewRGB(w, h)
	across := w/size + 2
	node := func(x, y int) float64 { return key.Uniform(uint64(across*y+x), 0, 255) }
	for y := range h {
		for x := range w {
			// Between the four random values around it, bilinear.
			nx, ny := x/size, y/size
			fx, fy := float64(x%size)/float64(size), float64(y%size)/float64(size)
			top := node(nx, ny)*(1-fx) + node(nx+1, ny)*fx
			bottom := node(nx, ny+1)*(1-fx) + node(nx+1, ny+1)*fx
			v := uint8(top*(1-fy) + bottom*fy)
			copy(img.Pix[3*(w*y+x):], []uint8{v, v, v})
		}
	}
	return img
}

// Lens is an image as a cheap lens shows it: red and blue are larger than green
// by a share, so that they part more and more from the middle outwards.
func Lens(img *view.RGB, share float64) *view.RGB {
	out := view.NewRGB(img.W, img.H)
	copy(out.Pix, img.Pix)
	from := func(i, n int) int {
		middle := float64(n-1) / 2
		return int(math.Round(middle + (float64(i)-middle)/(1+share)))
	}
	for y := range img.H {
		for x := range img.W {
			at := 3 * (img.W*from(y, img.H) + from(x, img.W))
			to := 3 * (img.W*y + x)
			out.Pix[to], out.Pix[to+2] = img.Pix[at], img.Pix[at+2]
		}
	}
	return out
}
