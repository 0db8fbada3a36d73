package view

// change is a change of colours that looks at one pixel at a time.
type change struct {
	kind   kind
	factor float32 // of blending
	with   uint8   // a grey to blend with
	turn   uint8   // of the hue, in parts of 256
}

type kind uint8

const (
	blendGrey kind = iota // with one grey
	blendLuma             // with the grey image
	turnHue
	toGray
	sumLuma // changes nothing: recolor returns the sum of the grey image
)

// recolorLoops makes all changes, one after the other. Values are rounded to 8
// bits after each, as PIL does.
func recolorLoops(r, g, b []uint8, changes []change) (sum int) {
	for _, c := range changes {
		switch c.kind {
		case blendGrey:
			table := c.table()
			for _, p := range [3][]uint8{r, g, b} {
				for i, v := range p {
					p[i] = table[v]
				}
			}
		case blendLuma:
			for i := range r {
				l := luma(r[i], g[i], b[i])
				r[i], g[i], b[i] = blend(l, r[i], c.factor), blend(l, g[i], c.factor), blend(l, b[i], c.factor)
			}
		case turnHue:
			for i := range r {
				h, s, v := hsv(r[i], g[i], b[i])
				r[i], g[i], b[i] = rgb(h+c.turn, s, v)
			}
		case toGray:
			for i := range r {
				l := luma(r[i], g[i], b[i])
				r[i], g[i], b[i] = l, l, l
			}
		case sumLuma:
			for i := range r {
				sum += int(luma(r[i], g[i], b[i]))
			}
		}
	}
	return sum
}

// table is what blending with one grey makes of each value.
func (c *change) table() (table [256]uint8) {
	for v := range table {
		table[v] = blend(c.with, uint8(v), c.factor)
	}
	return table
}

// blend is a + factor·(b−a) in single precision, cut to 8 bits: PIL's Blend.c.
func blend(a, b uint8, factor float32) uint8 {
	// The product is rounded on its own: a fused multiply-add would give other
	// bits on other processors.
	x := float32(a) + float32(factor*(float32(b)-float32(a)))
	return uint8(min(max(x, 0), 255))
}

// luma is the grey value of a colour by ITU-R 601-2, in PIL's integers (its
// mode "L").
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}
