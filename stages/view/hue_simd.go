//go:build goexperiment.simd && amd64

package view

import "simd/archsimd"

// Constants of turnHueWords, which would take longer to make than to load.
var (
	words1, words6, words128, words255, words257 = repeat(1), repeat(6), repeat(128), repeat(255), repeat(257)
	words65025                                   = repeat(65025 - 1<<16) // 255², as 16 bits have it
	longs32512                                   = repeat32[int32](65025 / 2)
	floats1, floats6, floats255                  = repeat32[float32](1), repeat32[float32](6), repeat32[float32](255)
	floatsHalf, floats65025th                    = repeat32[float32](0.5), repeat32[float32](1. / 65025)
)

func repeat(x int16) (all [wide]int16) {
	for i := range all {
		all[i] = x
	}
	return all
}

func repeat32[T int32 | float32](x T) (all [8]T) {
	for i := range all {
		all[i] = x
	}
	return all
}

// turnHueWords is hsv and rgb.
func turnHueWords(red, green, blue [][wide]int16, turn int16) {
	add, one, full := word(turn), load(&words1), load(&words255)
	for i := range red {
		r, g, b := load(&red[i]), load(&green[i]), load(&blue[i])
		top := r.Max(g).Max(b)
		h, s := hueSaturation(r, g, b, top)
		h = h.Add(add).And(full).Mul(load(&words6))
		place := h.Add(one).MulHigh(load(&words257)) // h/255
		f := h.Sub(place.Mul(full))
		// Of q and t, which fall and rise, a sextant takes one.
		rising := place.And(one).Equal(words{})
		m := part255(top, full.Sub(f).Merge(f, rising).Mul(s))
		low := lowest(top, full.Sub(s))

		first, second, third := place.Equal(one), place.Equal(word(2)), place.Equal(word(3))
		fourth, fifth := place.Equal(word(4)), place.Equal(word(5))
		low.Merge(m.Merge(top, first.Or(fourth)), second.Or(third)).Store(&red[i])
		low.Merge(top.Merge(m, first.Or(second)), fourth.Or(fifth)).Store(&green[i])
		m.Merge(top.Merge(low, third.Or(fourth)), second.Or(fifth)).Store(&blue[i])
	}
}

// hueSaturation is hsv. The hue of colours without chroma, which means nothing,
// may be anything.
func hueSaturation(r, g, b, top words) (h, s words) {
	chroma := top.Sub(r.Min(g).Min(b))
	sextant := chroma.ShiftAllLeft(2).Add(r).Sub(g)
	sextant = chroma.ShiftAllLeft(1).Add(b).Sub(r).Merge(sextant, top.Equal(g))
	sextant = g.Sub(b).Merge(sextant, top.Equal(r))
	sextant = sextant.Add(chroma.Mul(load(&words6)).And(sextant.ShiftAllRight(15)))

	x0, x1 := toFloats(sextant)
	t0, t1 := toFloats(top)
	c0, c1 := toFloats(chroma)
	h0, s0 := quotients(x0, t0, c0)
	h1, s1 := quotients(x1, t1, c1)
	return pack(h0, h1), pack(s0, s1)
}

// quotients are 255·sextant/(6·chroma) and 255·chroma/top, to be cut off, from
// one division. Numerators have half of one more, so that errors of rounding
// reach no other whole number.
func quotients(sextant, top, chroma floats) (h, s floats) {
	one, half, full := archsimd.LoadFloat32x8(&floats1), archsimd.LoadFloat32x8(&floatsHalf), archsimd.LoadFloat32x8(&floats255)
	circle := chroma.Mul(archsimd.LoadFloat32x8(&floats6))
	inverse := one.Div(circle.Mul(top).Max(one))
	h = sextant.Mul(full).Add(half).Mul(inverse.Mul(top))
	s = chroma.Mul(full).Add(half).Mul(inverse.Mul(circle))
	return h, s
}

// part255 is v·(65025−x)/65025, rounded, for x of 0 … 65025. There is no product
// whose quotient by the rounded inverse has another whole part.
func part255(v, x words) words {
	y := load(&words65025).Sub(x)
	lo, hi := v.Mul(y), v.AsUint16x16().MulHigh(y.AsUint16x16()).AsInt16x16()
	half, inverse := archsimd.LoadInt32x8(&longs32512), archsimd.LoadFloat32x8(&floats65025th)
	first, second := lo.InterleaveLoGrouped(hi).AsInt32x8(), lo.InterleaveHiGrouped(hi).AsInt32x8()
	return pack(first.Add(half).ConvertToFloat32().Mul(inverse), second.Add(half).ConvertToFloat32().Mul(inverse))
}

// lowest is v·x/255, rounded, for x of 0 … 255.
func lowest(v, x words) words {
	p := v.Mul(x).Add(load(&words128)).AsUint16x16()
	return p.MulHigh(load(&words257).AsUint16x16()).AsInt16x16()
}
