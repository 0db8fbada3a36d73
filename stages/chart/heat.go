package chart

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	shading "image/color"
	"image/png"
	"math"
)

// Heat shows square matrices of values from −1 to 1 as pictures beside each
// other, one pixel a value.
type Heat struct {
	Title       string
	Description string
	Panels      []Panel
}

// Panel is one matrix.
type Panel struct {
	Name   string
	Side   int
	Values []float32 // [Side, Side], row by row
}

// The colours of −1 and 1 are seen on a light and on a dark page; 0 lets the page
// through.
var (
	coldest = shading.NRGBA{0xe0, 0x6a, 0x00, 0xff}
	hottest = shading.NRGBA{0x00, 0x80, 0xc8, 0xff}
)

// shades are colours of values from −1 to 1.
var shades = func() (p shading.Palette) {
	for i := range 255 {
		p = append(p, shade(float64(i-127)/127))
	}
	return p
}()

func shade(v float64) shading.NRGBA {
	c := hottest
	if v < 0 {
		c = coldest
	}
	c.A = uint8(math.Round(255 * min(math.Abs(v), 1)))
	return c
}

// SVG draws the chart. A value that is no number is left blank, like 0.
func (h Heat) SVG() template.HTML {
	var s svg
	n := float64(max(len(h.Panels), 1))
	side := (Width - (n-1)*2*gap) / n
	side = min(side, Width*2/3)
	for i, p := range h.Panels {
		x := float64(i) * (side + 2*gap)
		s.add(`<text class="label" x="%v" y="%v">%v</text>`, x, line-3, shorten(p.Name, side))
		s.add(`<image x="%v" y="%v" width="%v" height="%v" href="%v"/>`, x, line+1, side, side, p.source())
		s.add(`<rect class="plane" x="%v" y="%v" width="%v" height="%v"/>`, x, line+1, side, side)
	}
	height := h.key(&s, side+2*line)
	return s.finish(height, h.Title, h.Description)
}

// key tells which colour is which value, and returns how high all is.
func (h Heat) key(s *svg, y float64) float64 {
	const steps, wide = 21, 160.
	left := lengthOf("−1") + gap
	s.add(`<text class="tick" x="0" y="%v">−1</text>`, y+9)
	for i := range steps {
		c := shade(2*float64(i)/(steps-1) - 1)
		rgb := [3]uint8{c.R, c.G, c.B}
		s.add(`<rect fill="#%02x" fill-opacity="%v" x="%v" y="%v" width="%v" height="10"/>`,
			rgb, float64(c.A)/255, left+float64(i)*wide/steps, y, wide/steps)
	}
	s.add(`<text class="tick" x="%v" y="%v" text-anchor="middle">0</text>`, left+wide/2, y+22)
	s.add(`<text class="tick" x="%v" y="%v">1</text>`, left+wide+gap, y+9)
	return y + 26
}

// source is the picture of a panel. PNG loses nothing.
func (p Panel) source() string {
	img := image.NewPaletted(image.Rect(0, 0, p.Side, p.Side), shades)
	for i, v := range p.Values[:p.Side*p.Side] {
		if v != v {
			v = 0
		}
		img.Pix[i] = uint8(127 + math.Round(127*float64(max(-1, min(1, v)))))
	}
	var buf bytes.Buffer
	_ = png.Encode(&buf, img) // to memory, of a picture that has pixels
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(buf.Bytes())
}
