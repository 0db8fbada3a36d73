//go:build goexperiment.simd && amd64

package view

import "simd/archsimd"

// The steps of resizing and blurring, many numbers at a time where the
// processor can. Each has the bits of its Loops.

var avx2 = archsimd.X86.AVX2()

const wide = 16 // values of 16 bits in a vector

type (
	words = archsimd.Int16x16
	longs = archsimd.Int32x8
)

// each calls do for steps of 16 that cover 0 … n−1, the last two of which may
// overlap. It is false if there are fewer than 16.
func each(n int, do func(i int)) bool {
	if !avx2 || n < wide {
		return false
	}
	for i := 0; i+wide < n; i += wide {
		do(i)
	}
	do(n - wide)
	archsimd.ClearAVXUpperBits()
	return true
}

func loadBytes(p []uint8) words {
	return archsimd.LoadUint8x16Slice(p).ExtendToUint16().AsInt16x16()
}

func loadWords(p []int16) words { return archsimd.LoadInt16x16Slice(p) }

// two is a pair of weights in each 32 bits.
func two(a, b int16) words {
	return archsimd.BroadcastInt32x8(int32(uint16(a)) | int32(b)<<16).AsInt16x16()
}

// lowBytes collects the lower bytes of words within each half.
var lowBytes = [32]int8{
	0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1,
	0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1,
}

// storeBytes writes words of 0 … 255 as bytes.
func storeBytes(p []uint8, x words) {
	b := x.AsUint8x32().PermuteOrZeroGrouped(archsimd.LoadInt8x32(&lowBytes)).AsUint64x4()
	b.GetLo().InterleaveLo(b.GetHi()).AsUint8x16().StoreSlice(p)
}

func mixDown(out []int16, in []uint8, stride int, weight []int16) {
	const bits = weightBits - fineBits
	if !avx2 || len(out) < wide {
		mixDownLoops(out, in, stride, weight)
		return
	}
	for x := 0; x < len(out); x += wide {
		x = min(x, len(out)-wide)
		lo := archsimd.BroadcastInt32x8(1 << (bits - 1))
		hi := lo
		at := in[x:]
		for j := 0; j < len(weight); j += 2 {
			a, b, w := loadBytes(at), words{}, int16(0)
			if j+1 < len(weight) {
				b, w = loadBytes(at[stride:]), weight[j+1]
			}
			weights := two(weight[j], w)
			lo = lo.Add(a.InterleaveLoGrouped(b).DotProductPairs(weights))
			hi = hi.Add(a.InterleaveHiGrouped(b).DotProductPairs(weights))
			if j+2 < len(weight) {
				at = at[2*stride:]
			}
		}
		lo.ShiftAllRight(bits).SaturateToInt16ConcatGrouped(hi.ShiftAllRight(bits)).StoreSlice(out[x:])
	}
	archsimd.ClearAVXUpperBits()
}

// mixAcross takes eight taps at a time and eight outputs, where it cannot take
// sixteen.
func mixAcross(out, in []int16, t *taps) {
	if t.wide.n == len(out) && len(out) > 0 {
		t.wide.mix(out, in)
		return
	}
	if !avx2 || len(out) < 8 {
		mixAcrossLoops(out, in, t)
		return
	}
	half := archsimd.BroadcastInt32x4(1 << (weightBits - 1))
	top := archsimd.BroadcastInt16x8(255 << fineBits)
	for k := 0; k < len(out); k += 8 {
		k = min(k, len(out)-8)
		var s0, s1, s2, s3, s4, s5, s6, s7 archsimd.Int32x4
		if t.pad == lanes {
			// As most often: here bounds are checked once for all.
			f, w := (*[8]int)(t.first[k:]), (*[8 * lanes]int16)(t.weight[lanes*k:])
			s0 = archsimd.LoadInt16x8Slice(in[f[0]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[0:])))
			s1 = archsimd.LoadInt16x8Slice(in[f[1]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[8:])))
			s2 = archsimd.LoadInt16x8Slice(in[f[2]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[16:])))
			s3 = archsimd.LoadInt16x8Slice(in[f[3]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[24:])))
			s4 = archsimd.LoadInt16x8Slice(in[f[4]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[32:])))
			s5 = archsimd.LoadInt16x8Slice(in[f[5]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[40:])))
			s6 = archsimd.LoadInt16x8Slice(in[f[6]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[48:])))
			s7 = archsimd.LoadInt16x8Slice(in[f[7]:]).DotProductPairs(archsimd.LoadInt16x8((*[8]int16)(w[56:])))
		} else {
			s0, s1, s2, s3 = t.sum(in, k), t.sum(in, k+1), t.sum(in, k+2), t.sum(in, k+3)
			s4, s5, s6, s7 = t.sum(in, k+4), t.sum(in, k+5), t.sum(in, k+6), t.sum(in, k+7)
		}
		lo := s0.AddPairs(s1).AddPairs(s2.AddPairs(s3)).Add(half).ShiftAllRight(weightBits)
		hi := s4.AddPairs(s5).AddPairs(s6.AddPairs(s7)).Add(half).ShiftAllRight(weightBits)
		lo.SaturateToInt16Concat(hi).Max(archsimd.Int16x8{}).Min(top).StoreSlice(out[k:])
	}
	archsimd.ClearAVXUpperBits()
}

// sum is what output k is made of, in four parts.
func (t *taps) sum(in []int16, k int) archsimd.Int32x4 {
	px, w := in[t.first[k]:], t.weight[k*t.pad:][:t.pad]
	s := archsimd.LoadInt16x8Slice(px).DotProductPairs(archsimd.LoadInt16x8Slice(w))
	for j := lanes; j < len(w); j += lanes {
		s = s.Add(archsimd.LoadInt16x8Slice(px[j:]).DotProductPairs(archsimd.LoadInt16x8Slice(w[j:])))
	}
	return s
}

func mixPairs(out, in []int16, pairs []int, weight []int16) {
	if !each(len(out), func(i int) {
		lo := archsimd.BroadcastInt32x8(1 << (kernelBits - 1))
		hi := lo
		for k := 0; k < len(weight); k += 2 {
			a, b, w := loadWords(in[pairs[2*k]+i:]).Add(loadWords(in[pairs[2*k+1]+i:])), words{}, int16(0)
			if k+1 < len(weight) {
				b, w = loadWords(in[pairs[2*k+2]+i:]).Add(loadWords(in[pairs[2*k+3]+i:])), weight[k+1]
			}
			weights := two(weight[k], w)
			lo = lo.Add(a.InterleaveLoGrouped(b).DotProductPairs(weights))
			hi = hi.Add(a.InterleaveHiGrouped(b).DotProductPairs(weights))
		}
		lo.ShiftAllRight(kernelBits).SaturateToInt16ConcatGrouped(hi.ShiftAllRight(kernelBits)).StoreSlice(out[i:])
	}) {
		mixPairsLoops(out, in, pairs, weight)
	}
}

// shown cuts values with fineBits after the point to 0 … 255.
func shown(x words) words {
	x = x.Add(archsimd.BroadcastInt16x16(1 << (fineBits - 1))).ShiftAllRight(fineBits)
	return x.Max(words{}).Min(archsimd.BroadcastInt16x16(255))
}

func round(out []uint8, in []int16) {
	if !each(len(out), func(i int) { storeBytes(out[i:], shown(loadWords(in[i:]))) }) {
		roundLoops(out, in)
	}
}

func widen(out []int16, in []uint8) {
	if !each(len(out), func(i int) { loadBytes(in[i:]).ShiftAllLeft(fineBits).StoreSlice(out[i:]) }) {
		widenLoops(out, in)
	}
}

func toRGB(r, g, b []uint8, luma, cb, cr []int16) {
	if !each(len(r), func(i int) {
		middle := archsimd.BroadcastInt16x16(128 << fineBits)
		y, u, v := loadWords(luma[i:]), loadWords(cb[i:]).Sub(middle), loadWords(cr[i:]).Sub(middle)
		share := func(x words, factor int16) words { return x.MulHigh(archsimd.BroadcastInt16x16(factor)) }
		storeBytes(r[i:], shown(y.Add(v).Add(share(v, redCr))))
		storeBytes(g[i:], shown(y.Sub(v).Add(share(u, greenCb)).Add(share(v, greenCr))))
		storeBytes(b[i:], shown(y.Add(u).Add(u).Add(share(u, blueCb))))
	}) {
		toRGBLoops(r, g, b, luma, cb, cr)
	}
}

// spread says, for each of three vectors of pixels, which byte of a plane goes
// where: those of red, then those of green and blue.
var spread = func() (s [3][3][16]int8) {
	for part := range s {
		for plane := range 3 {
			for i := range 16 {
				s[part][plane][i] = -1
				if at := 16*part + i; at%3 == plane {
					s[part][plane][i] = int8(at / 3)
				}
			}
		}
	}
	return s
}()

func interleave(dst, r, g, b []uint8) {
	if !each(len(r), func(i int) {
		x, y, z := archsimd.LoadUint8x16Slice(r[i:]), archsimd.LoadUint8x16Slice(g[i:]), archsimd.LoadUint8x16Slice(b[i:])
		for part := range spread {
			s := &spread[part]
			p := x.PermuteOrZero(archsimd.LoadInt8x16(&s[0])).Or(y.PermuteOrZero(archsimd.LoadInt8x16(&s[1])))
			p.Or(z.PermuteOrZero(archsimd.LoadInt8x16(&s[2]))).StoreSlice(dst[3*i+16*part:])
		}
	}) {
		interleaveLoops(dst, r, g, b)
	}
}
