package view

import "math"

// blurrer blurs with a Gaussian, rows first, then columns. Beyond its border
// the image is mirrored, as in torchvision, without repeating the border.
//
// The kernel reaches three standard deviations to each side, whatever the size
// of the view. (Recipes that give it a tenth of the view's size mean views of
// 224 pixels; at 32 they would cut most of the Gaussian off.) It is in integers
// that add up to exactly 2¹⁵, so that a flat image stays what it is, and what
// lies between the passes has 6 bits after the point: the sum of two of them
// needs 16 bits.
type blurrer struct {
	kernel []int16 // from the middle outwards
	pairs  []int   // where the inputs of each weight lie: two to a weight
	padded []int16 // a row with its mirrored ends
	rows   []int16 // after the first pass
	fine   []int16 // a row after the second
}

const kernelBits = 15

func (b *blurrer) blur(c *canvas, sigma float64) {
	b.setKernel(sigma)
	reach := len(b.kernel) - 1
	if reach == 0 {
		return
	}
	b.rows = grow(b.rows, c.w*c.h)
	b.padded = grow(b.padded, c.w+2*reach)
	b.fine = grow(b.fine, c.w)
	b.pairs = grow(b.pairs, 2*len(b.kernel))
	for _, p := range c.planes() {
		for k := range b.kernel {
			b.pairs[2*k], b.pairs[2*k+1] = reach-k, reach+k
		}
		for y := range c.h {
			b.pad(p[c.w*y:][:c.w], reach)
			mixPairs(b.rows[c.w*y:][:c.w], b.padded, b.pairs, b.kernel)
		}
		for y := range c.h {
			for k := range b.kernel {
				b.pairs[2*k], b.pairs[2*k+1] = c.w*mirror(y-k, c.h), c.w*mirror(y+k, c.h)
			}
			mixPairs(b.fine, b.rows, b.pairs, b.kernel)
			round(p[c.w*y:][:c.w], b.fine)
		}
	}
}

// setKernel computes exp(−k²/2σ²) for k = 0, 1, …, scaled. The middle one is
// halved, since mixPairs takes it twice.
func (b *blurrer) setKernel(sigma float64) {
	const total = 1 << kernelBits
	reach := int(math.Ceil(3 * sigma))
	density := func(k int) float64 { return power(1/math.E, float64(k*k)/(2*sigma*sigma)) }
	sum := 1.0
	for k := 1; k <= reach; k++ {
		sum += float64(2 * density(k))
	}
	b.kernel = append(b.kernel[:0], total/2)
	for k := 1; k <= reach; k++ {
		w := int16(math.Round(total * density(k) / sum))
		if w == 0 {
			break
		}
		b.kernel = append(b.kernel, w)
		b.kernel[0] -= w
	}
}

// pad sets padded to a row and what is seen of it beyond its ends.
func (b *blurrer) pad(row []uint8, reach int) {
	widen(b.padded[reach:][:len(row)], row)
	for i := range reach {
		b.padded[i] = int16(row[mirror(i-reach, len(row))]) << fineBits
		b.padded[reach+len(row)+i] = int16(row[mirror(len(row)+i, len(row))]) << fineBits
	}
}

// widenLoops puts fineBits behind the point.
func widenLoops(out []int16, in []uint8) {
	for i, v := range in[:len(out)] {
		out[i] = int16(v) << fineBits
	}
}

// mixPairsLoops makes each of out of pairs of in, whose sums are weighted.
func mixPairsLoops(out, in []int16, pairs []int, weight []int16) {
	for i := range out {
		sum := int32(1 << (kernelBits - 1))
		for k, w := range weight {
			sum += int32(w) * (int32(in[pairs[2*k]+i]) + int32(in[pairs[2*k+1]+i]))
		}
		out[i] = int16(sum >> kernelBits)
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
