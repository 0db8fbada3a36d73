//go:build goexperiment.simd && amd64

package jpeg

import (
	"encoding/binary"
	"simd/archsimd"
)

var avx2 = archsimd.X86.AVX2()

// idct8 is idct8Loops with eight numbers at a time, where the processor can.
func idct8(dst []uint8, stride int, b *block, quant *[64]int32) {
	if !avx2 {
		idct8Loops(dst, stride, b, quant)
		return
	}
	idct8AVX2(dst, stride, b, quant)
}

// idct4 is idct4Loops with four numbers at a time.
func idct4(dst []uint8, stride int, b *block, quant *[64]int32) {
	if !avx2 {
		idct4Loops(dst, stride, b, quant)
		return
	}
	load := func(i int) quarter {
		return archsimd.LoadInt16x8((*[8]int16)(b[8*i:])).ExtendLo4ToInt32().Mul(archsimd.LoadInt32x4((*[4]int32)(quant[8*i:])))
	}
	constant := archsimd.BroadcastInt32x4
	cos, sin := constant(cos6At12), constant(sin6At12)
	four := func(x0, x1, x2, x3 quarter) (y0, y1, y2, y3 quarter) {
		even0, even1 := x0.Add(x2).ShiftAllLeft(11), x0.Sub(x2).ShiftAllLeft(11)
		odd0, odd1 := sin.Mul(x1).Add(cos.Mul(x3)), cos.Mul(x1).Sub(sin.Mul(x3))
		return even0.Add(odd0), even1.Add(odd1), even1.Sub(odd1), even0.Sub(odd0)
	}
	// Rows: a vector has one coefficient of all.
	x0, x1, x2, x3 := four(load(0), load(1), load(2), load(3))
	round := constant(1 << 7)
	x0, x1, x2, x3 = transpose4(x0.Add(round).ShiftAllRight(8), x1.Add(round).ShiftAllRight(8),
		x2.Add(round).ShiftAllRight(8), x3.Add(round).ShiftAllRight(8))
	// Columns: a vector is a row.
	x0, x1, x2, x3 = four(x0, x1, x2, x3)
	round = constant(1 << 16)
	shown := func(a, b quarter) archsimd.Uint8x16 {
		x := a.Add(round).ShiftAllRight(17).SaturateToInt16Concat(b.Add(round).ShiftAllRight(17))
		x = x.Max(archsimd.BroadcastInt16x8(-128)).Min(archsimd.BroadcastInt16x8(127))
		return x.Add(archsimd.BroadcastInt16x8(128)).AsUint8x16()
	}
	y0 := shown(x0, x1).PermuteOrZero(archsimd.LoadInt8x16((*[16]int8)(bytesFirst[:])))
	y1 := shown(x2, x3).PermuteOrZero(archsimd.LoadInt8x16((*[16]int8)(bytesSecond[:])))
	rows := y0.Or(y1).AsUint32x4()
	binary.LittleEndian.PutUint32(dst, rows.GetElem(0))
	binary.LittleEndian.PutUint32(dst[stride:], rows.GetElem(1))
	binary.LittleEndian.PutUint32(dst[2*stride:], rows.GetElem(2))
	binary.LittleEndian.PutUint32(dst[3*stride:], rows.GetElem(3))
}

type quarter = archsimd.Int32x4

// transpose4 swaps rows and columns.
func transpose4(a0, a1, a2, a3 quarter) (b0, b1, b2, b3 quarter) {
	c0, c1 := a0.InterleaveLo(a1).AsInt64x2(), a0.InterleaveHi(a1).AsInt64x2()
	c2, c3 := a2.InterleaveLo(a3).AsInt64x2(), a2.InterleaveHi(a3).AsInt64x2()
	return c0.InterleaveLo(c2).AsInt32x4(), c0.InterleaveHi(c2).AsInt32x4(),
		c1.InterleaveLo(c3).AsInt32x4(), c1.InterleaveHi(c3).AsInt32x4()
}

type vector = archsimd.Int32x8

func rotate8(x, y, cos, diff, sum vector) (vector, vector) {
	both := x.Add(y).Mul(cos)
	return both.Add(y.Mul(diff)), both.Sub(x.Mul(sum))
}

func idct8AVX2(dst []uint8, stride int, b *block, quant *[64]int32) {
	load := func(i int) vector {
		return archsimd.LoadInt16x8((*[8]int16)(b[8*i:])).ExtendToInt32().Mul(archsimd.LoadInt32x8((*[8]int32)(quant[8*i:])))
	}
	constant := archsimd.BroadcastInt32x8
	cos3, diff3, sum3 := constant(cos3At12), constant(-sin3At12-cos3At12), constant(cos3At12-sin3At12)
	cos1, diff1, sum1 := constant(cos1At12), constant(-sin1At12-cos1At12), constant(cos1At12-sin1At12)

	// Rows: a vector has one coefficient of all.
	x0, x1 := load(0).ShiftAllLeft(17), load(4).ShiftAllLeft(17)
	x0, x1 = x0.Add(x1), x0.Sub(x1)
	x2, x3 := rotate8(load(2), load(6), constant(cos6At18), constant(-sin6At18-cos6At18), constant(cos6At18-sin6At18))
	x1, x2 = x1.Add(x2), x1.Sub(x2)
	x0, x3 = x0.Add(x3), x0.Sub(x3)
	x7, x4 := load(1).ShiftAllLeft(7), load(7).ShiftAllLeft(7)
	x7, x4 = x7.Add(x4), x7.Sub(x4)
	x5, x6 := load(3).Mul(constant(invRoot2At8)), load(5).Mul(constant(invRoot2At8))
	x7, x5 = x7.Add(x5), x7.Sub(x5)
	x4, x6 = x4.Add(x6), x4.Sub(x6)
	x4, x7 = rotate8(x4.ShiftAllRight(2), x7.ShiftAllRight(2), cos3, diff3, sum3)
	x5, x6 = rotate8(x5.ShiftAllRight(2), x6.ShiftAllRight(2), cos1, diff1, sum1)
	x0, x7 = x0.Add(x7), x0.Sub(x7)
	x1, x6 = x1.Add(x6), x1.Sub(x6)
	x2, x5 = x2.Add(x5), x2.Sub(x5)
	x3, x4 = x3.Add(x4), x3.Sub(x4)

	// Columns: a vector is a row.
	x0, x7, x2, x5, x1, x6, x3, x4 = transpose8(x0, x1, x2, x3, x4, x5, x6, x7)
	x0 = x0.Add(constant(1 << 19))
	x0, x1 = x0.Add(x1).ShiftAllRight(2), x0.Sub(x1).ShiftAllRight(2)
	x2, x3 = rotate8(x2.ShiftAllRight(13), x3.ShiftAllRight(13), constant(cos6At12), constant(-sin6At12-cos6At12), constant(cos6At12-sin6At12))
	x1, x2 = x1.Add(x2), x1.Sub(x2)
	x0, x3 = x0.Add(x3), x0.Sub(x3)
	x7, x4 = x7.Add(x4), x7.Sub(x4)
	x5, x6 = x5.ShiftAllRight(13).Mul(constant(invRoot2At14)), x6.ShiftAllRight(13).Mul(constant(invRoot2At14))
	x7, x5 = x7.Add(x5), x7.Sub(x5)
	x4, x6 = x4.Add(x6), x4.Sub(x6)
	x4, x7 = rotate8(x4.ShiftAllRight(14), x7.ShiftAllRight(14), cos3, diff3, sum3)
	x5, x6 = rotate8(x5.ShiftAllRight(14), x6.ShiftAllRight(14), cos1, diff1, sum1)
	x0, x7 = x0.Add(x7), x0.Sub(x7)
	x1, x6 = x1.Add(x6), x1.Sub(x6)
	x2, x5 = x2.Add(x5), x2.Sub(x5)
	x3, x4 = x3.Add(x4), x3.Sub(x4)

	store4(dst, stride, x0, x1, x2, x3)
	store4(dst[4*stride:], stride, x4, x5, x6, x7)
}

// transpose8 swaps rows and columns.
func transpose8(a0, a1, a2, a3, a4, a5, a6, a7 vector) (b0, b1, b2, b3, b4, b5, b6, b7 vector) {
	c0, c1 := a0.InterleaveLoGrouped(a1), a0.InterleaveHiGrouped(a1)
	c2, c3 := a2.InterleaveLoGrouped(a3), a2.InterleaveHiGrouped(a3)
	c4, c5 := a4.InterleaveLoGrouped(a5), a4.InterleaveHiGrouped(a5)
	c6, c7 := a6.InterleaveLoGrouped(a7), a6.InterleaveHiGrouped(a7)

	pair := func(x, y vector) (lo, hi vector) {
		u, v := x.AsInt64x4(), y.AsInt64x4()
		return u.InterleaveLoGrouped(v).AsInt32x8(), u.InterleaveHiGrouped(v).AsInt32x8()
	}
	d0, d1 := pair(c0, c2)
	d2, d3 := pair(c1, c3)
	d4, d5 := pair(c4, c6)
	d6, d7 := pair(c5, c7)

	const low, high = 0, 1 // halves of the first, 2 and 3 are the second's
	return d0.Select128FromPair(low, 2+low, d4), d1.Select128FromPair(low, 2+low, d5),
		d2.Select128FromPair(low, 2+low, d6), d3.Select128FromPair(low, 2+low, d7),
		d0.Select128FromPair(high, 2+high, d4), d1.Select128FromPair(high, 2+high, d5),
		d2.Select128FromPair(high, 2+high, d6), d3.Select128FromPair(high, 2+high, d7)
}

var (
	// Of sixteen bits, the lower eight: of both groups into their first half, or
	// into their second.
	bytesFirst  = [32]int8{0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1, 0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1}
	bytesSecond = [32]int8{-1, -1, -1, -1, -1, -1, -1, -1, 0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1, 0, 2, 4, 6, 8, 10, 12, 14}
	together    = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
)

// store4 writes four rows of eight samples, which have 18 bits after the point
// and lie around 0.
func store4(dst []uint8, stride int, x0, x1, x2, x3 vector) {
	shown := func(a, b vector) archsimd.Uint8x32 {
		x := a.ShiftAllRight(18).SaturateToInt16ConcatGrouped(b.ShiftAllRight(18))
		x = x.Max(archsimd.BroadcastInt16x16(-128)).Min(archsimd.BroadcastInt16x16(127))
		return x.Add(archsimd.BroadcastInt16x16(128)).AsUint8x32()
	}
	y0 := shown(x0, x1).PermuteOrZeroGrouped(archsimd.LoadInt8x32(&bytesFirst))
	y1 := shown(x2, x3).PermuteOrZeroGrouped(archsimd.LoadInt8x32(&bytesSecond))
	rows := y0.Or(y1).AsInt32x8().Permute(archsimd.LoadUint32x8(&together)).AsUint64x4()
	lo, hi := rows.GetLo(), rows.GetHi()
	binary.LittleEndian.PutUint64(dst, lo.GetElem(0))
	binary.LittleEndian.PutUint64(dst[stride:], lo.GetElem(1))
	binary.LittleEndian.PutUint64(dst[2*stride:], hi.GetElem(0))
	binary.LittleEndian.PutUint64(dst[3*stride:], hi.GetElem(1))
}
