package view

import "math"

// blurrer blurs with a Gaussian, rows first, then columns. Beyond its border
// the image is mirrored, as in torchvision, without repeating the border.
//
// The kernel reaches three standard deviations to each side, whatever the size
// of the view. (Recipes that give it a tenth of the view's size mean views of
// 224 pixels; at 32 they would cut most of the Gaussian off.) It is in integers
// that add up to exactly 2¹⁶, so that a flat image stays what it is, and what
// lies between the passes has 8 bits after the point: the sums need 32 bits.
type blurrer struct {
	kernel []uint32 // from the middle outwards
	padded []uint16 // a row with its mirrored ends
	rows   []uint16 // after the first pass
	sum    []uint32
}

func (b *blurrer) blur(img *RGB, sigma float64) {
	b.setKernel(sigma)
	reach := len(b.kernel) - 1
	if reach == 0 {
		return
	}
	stride := 3 * img.W
	b.sum = grow(b.sum, stride)
	b.rows = grow(b.rows, stride*img.H)
	b.padded = grow(b.padded, stride+6*reach)
	for y := range img.H {
		b.pad(img.Pix[stride*y:][:stride], img.W, reach)
		clear(b.sum)
		for k, w := range b.kernel {
			addPair(b.sum, b.padded[3*(reach-k):], b.padded[3*(reach+k):], w)
		}
		row := b.rows[stride*y:][:stride]
		for i, s := range b.sum {
			row[i] = uint16((s + 1<<15) >> 16)
		}
	}
	for y := range img.H {
		clear(b.sum)
		for k, w := range b.kernel {
			addPair(b.sum, b.rows[stride*mirror(y-k, img.H):], b.rows[stride*mirror(y+k, img.H):], w)
		}
		row := img.Pix[stride*y:][:stride]
		for i, s := range b.sum {
			row[i] = uint8((s + 1<<23) >> 24)
		}
	}
}

// setKernel computes exp(−k²/2σ²) for k = 0, 1, …, scaled. The middle one is
// halved, since addPair takes it twice.
func (b *blurrer) setKernel(sigma float64) {
	const total = 1 << 16
	reach := int(math.Ceil(3 * sigma))
	density := func(k int) float64 { return power(1/math.E, float64(k*k)/(2*sigma*sigma)) }
	sum := 1.0
	for k := 1; k <= reach; k++ {
		sum += float64(2 * density(k))
	}
	b.kernel = append(b.kernel[:0], total/2)
	for k := 1; k <= reach; k++ {
		w := uint32(math.Round(total * density(k) / sum))
		if w == 0 {
			break
		}
		b.kernel = append(b.kernel, w)
		b.kernel[0] -= w
	}
}

// pad sets padded to a row of w pixels and what is seen of it beyond its ends.
func (b *blurrer) pad(row []uint8, w, reach int) {
	for x := range w + 2*reach {
		from := row[3*mirror(x-reach, w):][:3]
		to := b.padded[3*x:][:3]
		to[0], to[1], to[2] = uint16(from[0])<<8, uint16(from[1])<<8, uint16(from[2])<<8
	}
}

// addPair adds w·(a+b) to sum.
func addPair(sum []uint32, a, b []uint16, w uint32) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += w * (uint32(a[i]) + uint32(b[i]))
	}
}

// mirror is the place that shows at i, when a row of n ends in mirrors.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}
