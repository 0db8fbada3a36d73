package view

import "image"

// on does something to the pixels of img.
func on(img *RGB, do func(*canvas)) {
	c := canvasOf(img)
	do(c)
	c.write(img.Pix)
}

func canvasOf(img *RGB) *canvas {
	c := &canvas{}
	c.reset(img.W, img.H)
	for i := range c.r {
		c.r[i], c.g[i], c.b[i] = img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2]
	}
	return c
}

// resized is a box of an image, resized.
func resized(src Image, box image.Rectangle, w, h int, flip bool) *RGB {
	var r Renderer
	var c canvas
	r.resize(&c, src, box, w, h, flip)
	out := NewRGB(w, h)
	c.write(out.Pix)
	return out
}
