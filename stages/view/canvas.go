package view

import "image"

// canvas is an image at work: a plane of 8 bits for each of red, green and
// blue, in rows from top to bottom.
type canvas struct {
	w, h    int
	r, g, b []uint8
	turned  []uint8 // memory for exchange
}

// reset makes room for w×h pixels of any value.
func (c *canvas) reset(w, h int) {
	c.w, c.h = w, h
	c.r, c.g, c.b = grow(c.r, w*h), grow(c.g, w*h), grow(c.b, w*h)
}

func (c *canvas) planes() [3][]uint8 { return [3][]uint8{c.r, c.g, c.b} }

// write puts the pixels into dst, three bytes each.
func (c *canvas) write(dst []uint8) { interleave(dst[:3*c.w*c.h], c.r, c.g, c.b) }

// exchange swaps rows and columns.
func (c *canvas) exchange() {
	for _, p := range []*[]uint8{&c.r, &c.g, &c.b} {
		c.turned = grow(c.turned, len(*p))
		for y := range c.h {
			for x := range c.w {
				c.turned[c.h*x+y] = (*p)[c.w*y+x]
			}
		}
		*p, c.turned = c.turned, *p
	}
	c.w, c.h = c.h, c.w
}

// Size implements Image.
func (c *canvas) Size() (w, h int) { return c.w, c.h }

func (c *canvas) cut(r *Renderer, _ image.Rectangle, _ image.Point) *Source {
	s := &r.drawn
	s.W, s.H = c.w, c.h
	s.Scales[0] = grow(s.Scales[0], 3)
	for i, p := range c.planes() {
		s.Scales[0][i] = Plane{Pix: p, W: c.w, H: c.h, StepX: 1, StepY: 1}
	}
	return s
}

// grow returns a slice of n elements of any value, s's memory if it has room.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
