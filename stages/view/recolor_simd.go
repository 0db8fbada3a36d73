//go:build goexperiment.simd && amd64

package view

import (
	"math"
	"simd/archsimd"
)

// strip is a part of an image in words, which stays in the cache while all
// changes are made.
type strip struct{ r, g, b, y [128][wide]int16 }

type floats = archsimd.Float32x8

// recolor has the bits of recolorLoops: products and sums of floats are rounded
// one by one.
func recolor(r, g, b []uint8, changes []change) (sum int) {
	if !avx2 {
		return recolorLoops(r, g, b, changes)
	}
	var s strip
	for len(r) >= wide {
		n := min(len(r)/wide, len(s.r))
		fill(s.r[:n], r)
		fill(s.g[:n], g)
		fill(s.b[:n], b)
		for k := range changes {
			sum += s.change(n, &changes[k])
		}
		empty(s.r[:n], r)
		empty(s.g[:n], g)
		empty(s.b[:n], b)
		r, g, b = r[wide*n:], g[wide*n:], b[wide*n:]
	}
	archsimd.ClearAVXUpperBits()
	return sum + recolorLoops(r, g, b, changes)
}

func fill(p [][wide]int16, from []uint8) {
	for i := range p {
		archsimd.LoadUint8x16((*[wide]uint8)(from)).ExtendToUint16().AsInt16x16().Store(&p[i])
		from = from[wide:]
	}
}

func empty(p [][wide]int16, to []uint8) {
	low := archsimd.LoadInt8x32(&lowBytes)
	for i := range p {
		x := load(&p[i]).AsUint8x32().PermuteOrZeroGrouped(low).AsUint64x4()
		x.GetLo().InterleaveLo(x.GetHi()).AsUint8x16().Store((*[wide]uint8)(to))
		to = to[wide:]
	}
}

// change makes one change in n vectors.
func (s *strip) change(n int, c *change) (sum int) {
	r, g, b := s.r[:n], s.g[:n], s.b[:n]
	switch c.kind {
	case blendGrey:
		for _, p := range [3][][wide]int16{r, g, b} {
			blendGreyWords(p, c.with, c.factor)
		}
	case blendLuma:
		s.blendLuma(n, c.factor)
	case turnHue:
		turnHueWords(r, g, b, int16(c.turn))
	case toGray:
		s.luma(n)
		copy(r, s.y[:n])
		copy(g, s.y[:n])
		copy(b, s.y[:n])
	case sumLuma:
		s.luma(n)
		var sums longs
		for i := range s.y[:n] {
			sums = sums.Add(load(&s.y[i]).DotProductPairs(word(1)))
		}
		var lanes [8]int32
		sums.Store(&lanes)
		for _, lane := range lanes {
			sum += int(lane)
		}
	}
	return sum
}

// luma sets y to the grey image. The weight of green has too many bits, and is
// taken in halves.
func (s *strip) luma(n int) {
	red, blue, half := two(19595, 38470/2), two(38470/2, 7471), whole(1<<15)
	for i := range s.y[:n] {
		r, g, b := load(&s.r[i]), load(&s.g[i]), load(&s.b[i])
		lo := r.InterleaveLoGrouped(g).DotProductPairs(red).Add(g.InterleaveLoGrouped(b).DotProductPairs(blue))
		hi := r.InterleaveHiGrouped(g).DotProductPairs(red).Add(g.InterleaveHiGrouped(b).DotProductPairs(blue))
		lo.Add(half).ShiftAllRight(16).SaturateToInt16ConcatGrouped(hi.Add(half).ShiftAllRight(16)).Store(&s.y[i])
	}
}

func blendGreyWords(p [][wide]int16, with uint8, factor float32) {
	a, f, top := whole(int32(with)).ConvertToFloat32(), number(factor), word(255)
	for i := range p {
		x, y := toFloats(load(&p[i]))
		x, y = a.Add(f.Mul(x.Sub(a))), a.Add(f.Mul(y.Sub(a)))
		pack(x, y).Max(words{}).Min(top).Store(&p[i])
	}
}

func (s *strip) blendLuma(n int, factor float32) {
	f, top := number(factor), word(255)
	s.luma(n)
	for _, p := range [3][][wide]int16{s.r[:n], s.g[:n], s.b[:n]} {
		for i := range p {
			a, b := toFloats(load(&s.y[i]))
			x, y := toFloats(load(&p[i]))
			x, y = a.Add(f.Mul(x.Sub(a))), b.Add(f.Mul(y.Sub(b)))
			pack(x, y).Max(words{}).Min(top).Store(&p[i])
		}
	}
}

func load(p *[wide]int16) words { return archsimd.LoadInt16x16(p) }

// toLongs widens words that are not negative. It takes the halves of both 128
// bits, as pack puts them back.
func toLongs(x words) (lo, hi longs) {
	return x.InterleaveLoGrouped(words{}).AsInt32x8(), x.InterleaveHiGrouped(words{}).AsInt32x8()
}

func toFloats(x words) (lo, hi floats) {
	a, b := toLongs(x)
	return a.ConvertToFloat32(), b.ConvertToFloat32()
}

// pack cuts off what is behind the point.
func pack(lo, hi floats) words {
	return lo.ConvertToInt32().SaturateToInt16ConcatGrouped(hi.ConvertToInt32())
}

// number does without the instructions of scalar floats, which wait for what
// is above them in a register.
func number(x float32) floats { return whole(int32(math.Float32bits(x))).AsFloat32x8() }
func whole(x int32) longs     { return archsimd.BroadcastInt32x8(x) }
func word(x int16) words      { return archsimd.BroadcastInt16x16(x) }
