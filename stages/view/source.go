package view

import "image"

// Image is what views are cut from: an *RGB, or a *Source as a decoder leaves
// it.
type Image interface {
	// Size is in pixels, upright.
	Size() (w, h int)
	// cut returns planes that cover a box, which is resized to size.
	cut(r *Renderer, box image.Rectangle, size image.Point) *Source
}

// Plane is a rectangle of one colour's samples, in rows from top to bottom.
type Plane struct {
	Pix          []uint8 // W·H samples
	X, Y         int     // place of the first among all samples of the image
	W, H         int
	StepX, StepY int // pixels that lie under one sample
}

// Source is an image in planes, of which there are only those parts, and at
// those sizes, that views need.
type Source struct {
	W, H        int // of the image as it is stored, in pixels
	Orientation int // how it must be turned, as in EXIF; 0 is upright, too
	YCbCr       bool
	// Scales are one plane of grey or three of colour: at full size, and shrunk
	// by 2, 4 and 8.
	Scales [4][]Plane
	scale  int // that cut chose
}

// Size implements Image.
func (s *Source) Size() (w, h int) {
	if s.Orientation >= 5 {
		return s.H, s.W
	}
	return s.W, s.H
}

func (s *Source) cut(_ *Renderer, box image.Rectangle, size image.Point) *Source {
	s.scale = Scale(box, size)
	return s
}

// Scale says at which of a Source's Scales a box is cut that is resized to
// size: the smallest that has at least as many samples, both ways.
func Scale(box image.Rectangle, size image.Point) int {
	scale := 0
	for scale < 3 && box.Dx() >= size.X<<(scale+1) && box.Dy() >= size.Y<<(scale+1) {
		scale++
	}
	return scale
}

// turned says how an image is turned, after EXIF: mirrored left to right or top
// to bottom, and then rows and columns exchanged.
func (s *Source) turned() (mirrorX, mirrorY, exchange bool) {
	switch s.Orientation {
	case 2:
		return true, false, false
	case 3:
		return true, true, false
	case 4:
		return false, true, false
	case 5:
		return false, false, true
	case 6:
		return false, true, true
	case 7:
		return true, true, true
	case 8:
		return true, false, true
	}
	return false, false, false
}

// Stored is where a box of the upright image lies in the stored one.
func (s *Source) Stored(box image.Rectangle) image.Rectangle {
	mirrorX, mirrorY, exchange := s.turned()
	if exchange {
		box = image.Rect(box.Min.Y, box.Min.X, box.Max.Y, box.Max.X)
	}
	if mirrorX {
		box.Min.X, box.Max.X = s.W-box.Max.X, s.W-box.Min.X
	}
	if mirrorY {
		box.Min.Y, box.Max.Y = s.H-box.Max.Y, s.H-box.Min.Y
	}
	return box
}

// Size implements Image.
func (m *RGB) Size() (w, h int) { return m.W, m.H }

// cut splits the pixels of the box into planes.
func (m *RGB) cut(r *Renderer, box image.Rectangle, _ image.Point) *Source {
	s := &r.split
	s.W, s.H = m.W, m.H
	s.Scales[0] = grow(s.Scales[0], 3)
	w, h := box.Dx(), box.Dy()
	for i := range s.Scales[0] {
		s.Scales[0][i] = Plane{Pix: grow(s.Scales[0][i].Pix, w*h), X: box.Min.X, Y: box.Min.Y, W: w, H: h, StepX: 1, StepY: 1}
	}
	red, green, blue := s.Scales[0][0].Pix, s.Scales[0][1].Pix, s.Scales[0][2].Pix
	for y := range h {
		row := m.Pix[3*(m.W*(box.Min.Y+y)+box.Min.X):][:3*w]
		r, g, b := red[w*y:][:w], green[w*y:][:w], blue[w*y:][:w]
		for x := range w {
			r[x], g[x], b[x] = row[3*x], row[3*x+1], row[3*x+2]
		}
	}
	return s
}
