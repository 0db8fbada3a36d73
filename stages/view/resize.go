package view

import "image"

// resizer resizes planes: columns first, then rows, as PIL does but for the
// order, with 6 bits after the point between the two. What is YCbCr becomes
// RGB at the size of the output.
type resizer struct {
	first, rest axes
	down        []int16    // a row of the source's width
	across      [3][]int16 // of the output's
}

// axes are the taps of a plane.
type axes struct{ x, y taps }

// fineBits are the bits after the point between two steps.
const fineBits = 6

// resize fills dst, which gets w×h pixels, with the box of src: mirrored left to
// right if flip is set. Nothing outside of the box is looked at, but for what
// shares a sample with its border.
func (r *Renderer) resize(dst *canvas, src Image, box image.Rectangle, w, h int, flip bool) {
	r.window(dst, src, box, image.Pt(w, h), image.Rect(0, 0, w, h), flip)
}

// window fills dst with a part of what the box of src is when it is resized to
// size.
func (r *Renderer) window(dst *canvas, src Image, box image.Rectangle, size image.Point, part image.Rectangle, flip bool) {
	s := src.cut(r, box, size)
	mirrorX, mirrorY, exchange := s.turned()
	box = s.Stored(box)
	if exchange {
		size = image.Pt(size.Y, size.X)
		part = image.Rect(part.Min.Y, part.Min.X, part.Max.Y, part.Max.X)
	}
	x := axis{at: box.Min.X, length: box.Dx(), out: size.X, from: part.Min.X, n: part.Dx()}
	y := axis{at: box.Min.Y, length: box.Dy(), out: size.Y, from: part.Min.Y, n: part.Dy()}
	if mirrorX {
		x.mirror()
	}
	if mirrorY {
		y.mirror()
	}
	if exchange {
		y.reverse = y.reverse != flip
	} else {
		x.reverse = x.reverse != flip
	}
	dst.reset(part.Dx(), part.Dy())
	r.resizer.fill(dst, s, x, y)
	if exchange {
		dst.exchange()
	}
}

// fill resizes all planes.
func (r *resizer) fill(dst *canvas, s *Source, x, y axis) {
	planes := s.Scales[s.scale]
	set := func(a *axes, p *Plane) {
		x.step, y.step = p.StepX, p.StepY
		a.x.set(x)
		a.y.set(y)
	}
	set(&r.first, &planes[0])
	rest := &r.first
	if last := &planes[len(planes)-1]; last.StepX != planes[0].StepX || last.StepY != planes[0].StepY {
		rest = &r.rest
		set(rest, last)
	}
	for i := range planes {
		r.across[i] = grow(r.across[i], dst.w)
	}
	for k := range dst.h {
		for i := range planes {
			a := rest
			if i == 0 {
				a = &r.first
			}
			x.step, y.step = planes[i].StepX, planes[i].StepY
			r.row(r.across[i], &planes[i], a, k, x.low(), x.high(), y.low())
		}
		red, green, blue := dst.r[dst.w*k:][:dst.w], dst.g[dst.w*k:][:dst.w], dst.b[dst.w*k:][:dst.w]
		switch {
		case len(planes) == 1:
			round(red, r.across[0])
			copy(green, red)
			copy(blue, red)
		case s.YCbCr:
			toRGB(red, green, blue, r.across[0], r.across[1], r.across[2])
		default:
			round(red, r.across[0])
			round(green, r.across[1])
			round(blue, r.across[2])
		}
	}
}

// row resizes one row of a plane, of whose samples left … right−1 belong to
// the box, from top on.
func (r *resizer) row(out []int16, p *Plane, a *axes, k, left, right, top int) {
	width := right - left
	r.down = grow(r.down, width+lanes) // mixAcross reads more than it needs
	in := p.Pix[p.W*(top-p.Y+a.y.first[k])+left-p.X:]
	mixDown(r.down[:width], in, p.W, a.y.weight[k*a.y.pad:][:a.y.n])
	mixAcross(out, r.down, &a.x)
}

// mixDownLoops makes a row of those in in, one for each weight.
func mixDownLoops(out []int16, in []uint8, stride int, weight []int16) {
	const bits = weightBits - fineBits
	for x := range out {
		sum := int32(1 << (bits - 1))
		for j, w := range weight {
			sum += int32(w) * int32(in[stride*j+x])
		}
		out[x] = int16(sum >> bits)
	}
}

// mixAcrossLoops makes each of out of those in in that its taps say, and cuts it
// to 0 … 255.
func mixAcrossLoops(out, in []int16, t *taps) {
	for k := range out {
		sum := int32(1 << (weightBits - 1))
		px := in[t.first[k]:]
		for j, w := range t.weight[k*t.pad:][:t.n] {
			sum += int32(w) * int32(px[j])
		}
		out[k] = int16(min(max(sum>>weightBits, 0), 255<<fineBits))
	}
}

// roundLoops cuts values to 8 bits.
func roundLoops(out []uint8, in []int16) {
	for i, v := range in[:len(out)] {
		out[i] = rounded(int32(v))
	}
}

func rounded(v int32) uint8 { return clamp(int(v+1<<(fineBits-1)) >> fineBits) }

// Factors of the conversion from YCbCr (JFIF), times 2¹⁶, less what is whole.
const (
	redCr   = 26345  // 1.402 − 1
	greenCb = -22554 // −0.344136
	greenCr = 18734  // −0.714136 + 1
	blueCb  = -14942 // 1.772 − 2
)

// toRGBLoops converts a row.
func toRGBLoops(r, g, b []uint8, luma, cb, cr []int16) {
	for i := range r {
		y, u, v := int32(luma[i]), int32(cb[i])-128<<fineBits, int32(cr[i])-128<<fineBits
		r[i] = rounded(y + v + v*redCr>>16)
		g[i] = rounded(y - v + u*greenCb>>16 + v*greenCr>>16)
		b[i] = rounded(y + u + u + u*blueCb>>16)
	}
}

// interleaveLoops makes pixels of three planes.
func interleaveLoops(dst, r, g, b []uint8) {
	for i := range r {
		p := dst[3*i:][:3]
		p[0], p[1], p[2] = r[i], g[i], b[i]
	}
}
