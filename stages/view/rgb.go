package view

import (
	"image"
	"image/color"
)

// RGB is an image of 8 bits a channel: rows from top to bottom without gaps,
// three bytes a pixel, so len(Pix) is 3·W·H. It is an image.Image.
type RGB struct {
	W, H int
	Pix  []uint8
}

// NewRGB returns a black image.
func NewRGB(w, h int) *RGB { return &RGB{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// Bounds implements image.Image.
func (m *RGB) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// ColorModel implements image.Image.
func (m *RGB) ColorModel() color.Model { return color.RGBAModel }

// At implements image.Image. Outside of the bounds it is black.
func (m *RGB) At(x, y int) color.Color {
	if !(image.Point{X: x, Y: y}).In(m.Bounds()) {
		return color.RGBA{A: 0xff}
	}
	p := m.Pix[3*(y*m.W+x):]
	return color.RGBA{p[0], p[1], p[2], 0xff}
}

// Opaque spares encoders the search for transparent pixels.
func (m *RGB) Opaque() bool { return true }
