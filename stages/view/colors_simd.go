//go:build goexperiment.simd && amd64

package view

import "simd/archsimd"

// The changes of colour, eight pixels at a time where the processor can. Each
// has the bits of its Loops: products and sums are rounded one by one, and the
// quotients are of integers below 2²⁴, so that cutting them off is exact.

type floats = archsimd.Float32x8

// pixels calls do for steps of 16 pixels, none of which overlap, and returns
// how many have been done.
func pixels(n int, do func(i int)) int {
	if !avx2 {
		return 0
	}
	done := n / wide * wide
	for i := 0; i < done; i += wide {
		do(i)
	}
	archsimd.ClearAVXUpperBits()
	return done
}

// load16 loads sixteen pixels of a plane.
func load16(p []uint8) (lo, hi longs) {
	x := archsimd.LoadUint8x16Slice(p).ExtendToUint16()
	return x.GetLo().ExtendToUint32().AsInt32x8(), x.GetHi().ExtendToUint32().AsInt32x8()
}

// between puts back the order that SaturateToUint16ConcatGrouped changes.
var between = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}

// store16 writes sixteen pixels of 0 … 255.
func store16(p []uint8, lo, hi longs) {
	x := lo.SaturateToUint16ConcatGrouped(hi).AsUint8x32()
	x = x.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&lowBytes))
	x.AsUint32x8().Permute(archsimd.LoadUint32x8(&between)).GetLo().AsUint8x16().StoreSlice(p)
}

func number(x float32) floats { return archsimd.BroadcastFloat32x8(x) }
func whole(x int32) longs     { return archsimd.BroadcastInt32x8(x) }

// blend8 is blend.
func blend8(a floats, b longs, factor floats) longs {
	x := a.Add(factor.Mul(b.ConvertToFloat32().Sub(a)))
	return x.Max(floats{}).Min(number(255)).ConvertToInt32()
}

func luma8(r, g, b longs) longs {
	sum := r.Mul(whole(19595)).Add(g.Mul(whole(38470))).Add(b.Mul(whole(7471)))
	return sum.Add(whole(1 << 15)).ShiftAllRight(16)
}

func blendAll(p []uint8, with uint8, factor float32) {
	a, f := number(float32(with)), number(factor)
	done := pixels(len(p), func(i int) {
		lo, hi := load16(p[i:])
		store16(p[i:], blend8(a, lo, f), blend8(a, hi, f))
	})
	blendAllLoops(p[done:], with, factor)
}

// saturate goes over a part that stays in the cache at a time: all in one loop
// needs more vectors than there are.
func saturate(r, g, b []uint8, factor float32) {
	const part = 1024
	var gray [part]uint8
	f := number(factor)
	done := 0
	for ; avx2 && done+part <= len(r); done += part {
		copy(gray[:], r[done:])
		toLuma(gray[:], g[done:done+part], b[done:done+part])
		for _, plane := range [3][]uint8{r, g, b} {
			p := plane[done : done+part]
			pixels(part, func(i int) {
				l0, l1 := load16(gray[i:])
				lo, hi := load16(p[i:])
				store16(p[i:], blend8(l0.ConvertToFloat32(), lo, f), blend8(l1.ConvertToFloat32(), hi, f))
			})
		}
	}
	saturateLoops(r[done:], g[done:], b[done:], factor)
}

func sumLuma(r, g, b []uint8) int {
	var sum longs // less than 2³¹, of views of at most 1024×1024 pixels
	done := pixels(min(len(r), 1<<22), func(i int) {
		r0, r1 := load16(r[i:])
		g0, g1 := load16(g[i:])
		b0, b1 := load16(b[i:])
		sum = sum.Add(luma8(r0, g0, b0)).Add(luma8(r1, g1, b1))
	})
	var parts [8]int32
	sum.Store(&parts)
	total := sumLumaLoops(r[done:], g[done:], b[done:])
	for _, p := range parts {
		total += int(p)
	}
	return total
}

func toLuma(r, g, b []uint8) {
	done := pixels(len(r), func(i int) {
		r0, r1 := load16(r[i:])
		g0, g1 := load16(g[i:])
		b0, b1 := load16(b[i:])
		store16(r[i:], luma8(r0, g0, b0), luma8(r1, g1, b1))
	})
	toLumaLoops(r[done:], g[done:], b[done:])
}

func turnHue(r, g, b []uint8, add uint8) {
	shift := whole(int32(add))
	done := pixels(len(r), func(i int) {
		r0, r1 := load16(r[i:])
		g0, g1 := load16(g[i:])
		b0, b1 := load16(b[i:])
		r0, g0, b0 = turnHue8(r0, g0, b0, shift)
		r1, g1, b1 = turnHue8(r1, g1, b1, shift)
		store16(r[i:], r0, r1)
		store16(g[i:], g0, g1)
		store16(b[i:], b0, b1)
	})
	turnHueLoops(r[done:], g[done:], b[done:], add)
}

// quotient is a/b, cut off.
func quotient(a, b longs) longs {
	return a.ConvertToFloat32().Div(b.ConvertToFloat32()).ConvertToInt32()
}

// turnHue8 is hsv and rgb.
func turnHue8(r, g, b, add longs) (longs, longs, longs) {
	one := whole(1)
	top, low := r.Max(g).Max(b), r.Min(g).Min(b)
	chroma := top.Sub(low)
	sextant := chroma.ShiftAllLeft(2).Add(r).Sub(g)
	sextant = chroma.ShiftAllLeft(1).Add(b).Sub(r).Merge(sextant, top.Equal(g))
	sextant = g.Sub(b).Merge(sextant, top.Equal(r))
	round := chroma.Mul(whole(6)) // the whole circle
	sextant = sextant.Add(round.And(sextant.ShiftAllRight(31)))
	h := quotient(sextant.Mul(whole(255)), round.Max(one)) // 0 of 1 where there is no chroma
	s := quotient(chroma.Mul(whole(255)), top.Max(one))

	h = h.Add(add).And(whole(255)).Mul(whole(6))
	place := quotient(h, whole(255))
	f := h.Sub(place.Mul(whole(255)))
	part := func(x longs) longs {
		return quotient(top.Mul(whole(255*255).Sub(x)).Add(whole(255*255/2)), whole(255*255))
	}
	p := part(s.Mul(whole(255)))
	// Of q and t, which fall and rise, a sextant takes one.
	rising := place.And(one).Equal(longs{})
	m := part(whole(255).Sub(f).Merge(f, rising).Mul(s))

	at := func(n int32) archsimd.Mask32x8 { return place.Equal(whole(n)) }
	first, second, third, fourth, fifth := at(1), at(2), at(3), at(4), at(5)
	red := m.Merge(top, first.Or(fourth))
	red = p.Merge(red, second.Or(third))
	green := top.Merge(m, first.Or(second))
	green = p.Merge(green, fourth.Or(fifth))
	blue := top.Merge(p, third.Or(fourth))
	blue = m.Merge(blue, second.Or(fifth))
	return red, green, blue
}
