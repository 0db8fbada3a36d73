package jpeg

// The inverse cosine transforms. That of full size has the arithmetic of
// image/jpeg in Go 1.26, the algorithm of Loeffler, Ligtenberg and Moschytz
// (ICASSP 1989, https://ieeexplore.ieee.org/document/266596): 32 bits, products
// without rounding. The smaller ones transform the N×N lowest frequencies with
// a basis of length N, times N/8.

// Constants, with so many bits after the point.
const (
	invRoot2At8  = 181   // 1/√2
	invRoot2At14 = 11585 //
	cos6At12     = 1108  // cos(6π/16)/√2, 0.27060
	sin6At12     = 2676  // sin(6π/16)/√2, 0.65328
	cos6At18     = 70936
	sin6At18     = 171254
	cos3At12     = 3406 // cos(3π/16)
	sin3At12     = 2276
	cos1At12     = 4017 // cos(π/16)
	sin1At12     = 799
)

// rotate turns (x, y) by an angle, given its cosine and sine.
func rotate(x, y, cos, sin int32) (int32, int32) {
	sum := cos * (x + y)
	return sum + (sin-cos)*y, sum - (cos+sin)*x
}

// butterflies is the last stage of a transform of length 8.
func butterflies(x *[8]int32) {
	x[0], x[7] = x[0]+x[7], x[0]-x[7]
	x[1], x[6] = x[1]+x[6], x[1]-x[6]
	x[2], x[5] = x[2]+x[5], x[2]-x[5]
	x[3], x[4] = x[3]+x[4], x[3]-x[4]
}

func row8(x *[8]int32) {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0]<<17, x[1]<<7, x[2], x[3], x[4]<<17, x[5], x[6], x[7]<<7

	x0, x1 = x0+x1, x0-x1
	x2, x3 = rotate(x2, x3, cos6At18, -sin6At18)
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x7, x4 = x7+x4, x7-x4
	x6 *= invRoot2At8
	x5 *= invRoot2At8
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>2, x7>>2, cos3At12, -sin3At12)
	x5, x6 = rotate(x5>>2, x6>>2, cos1At12, -sin1At12)

	*x = [8]int32{x0, x1, x2, x3, x4, x5, x6, x7}
	butterflies(x)
}

func column8(x *[8]int32) {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]

	x0 += 1 << 19 // rounds all eight
	x0, x1 = (x0+x1)>>2, (x0-x1)>>2
	x2, x3 = rotate(x2>>13, x3>>13, cos6At12, -sin6At12)
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x7, x4 = x7+x4, x7-x4
	x5 = (x5 >> 13) * invRoot2At14
	x6 = (x6 >> 13) * invRoot2At14
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>14, x7>>14, cos3At12, -sin3At12)
	x5, x6 = rotate(x5>>14, x6>>14, cos1At12, -sin1At12)

	*x = [8]int32{x0, x1, x2, x3, x4, x5, x6, x7}
	butterflies(x)
}

// idct8Loops is idct8 one number at a time.
func idct8Loops(dst []uint8, stride int, b *block, quant *[64]int32) {
	var rows [8][8]int32
	for y := range rows {
		for x := range 8 {
			rows[y][x] = int32(b[8*x+y]) * quant[8*x+y]
		}
		row8(&rows[y])
	}
	for x := range 8 {
		column := [8]int32{rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x], rows[5][x], rows[6][x], rows[7][x]}
		column8(&column)
		for y, v := range column {
			dst[stride*y+x] = shown(v >> 18)
		}
	}
}

// idct4Loops has 12 bits after the point.
func idct4Loops(dst []uint8, stride int, b *block, quant *[64]int32) {
	four := func(x0, x1, x2, x3 int32) (y0, y1, y2, y3 int32) {
		even0, even1 := (x0+x2)<<11, (x0-x2)<<11
		odd0, odd1 := sin6At12*x1+cos6At12*x3, cos6At12*x1-sin6At12*x3
		return even0 + odd0, even1 + odd1, even1 - odd1, even0 - odd0
	}
	var rows [4][4]int32
	for y := range rows {
		b, q := b[y:][:25], quant[y:][:25]
		r := &rows[y]
		r[0], r[1], r[2], r[3] = four(int32(b[0])*q[0], int32(b[8])*q[8], int32(b[16])*q[16], int32(b[24])*q[24])
		for i := range r {
			r[i] = (r[i] + 1<<7) >> 8 // 4 bits remain
		}
	}
	for x := range 4 {
		y0, y1, y2, y3 := four(rows[0][x], rows[1][x], rows[2][x], rows[3][x])
		const round = 1 << 16
		dst[x] = shown((y0 + round) >> 17)
		dst[stride+x] = shown((y1 + round) >> 17)
		dst[2*stride+x] = shown((y2 + round) >> 17)
		dst[3*stride+x] = shown((y3 + round) >> 17)
	}
}

func idct2(dst []uint8, stride int, b *block, quant *[64]int32) {
	dc, x := int32(b[0])*quant[0], int32(b[8])*quant[8]
	y, xy := int32(b[1])*quant[1], int32(b[9])*quant[9]
	dst[0], dst[1] = shown((dc+x+y+xy+4)>>3), shown((dc-x+y-xy+4)>>3)
	dst[stride], dst[stride+1] = shown((dc+x-y-xy+4)>>3), shown((dc-x-y+xy+4)>>3)
}

// mean is what a block shows that has nothing but its coefficient 0.
func mean(dc int32) int32 { return (dc<<17 + 1<<19) >> 2 >> 18 }

func flat(dst []uint8, stride, size int, dc int32) {
	v := shown(mean(dc))
	for y := range size {
		row := dst[stride*y:][:size]
		for x := range row {
			row[x] = v
		}
	}
}

// shown is a sample, of which 128 has been subtracted, as 8 bits.
func shown(x int32) uint8 {
	x += 128
	if uint32(x) > 255 {
		return uint8(^(x >> 31))
	}
	return uint8(x)
}
