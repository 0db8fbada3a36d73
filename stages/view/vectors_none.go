//go:build !(goexperiment.simd && amd64)

package view

// Without vectors, all is done one number at a time.

func mixDown(out []int16, in []uint8, stride int, weight []int16) {
	mixDownLoops(out, in, stride, weight)
}
func mixAcross(out, in []int16, t *taps)                    { mixAcrossLoops(out, in, t) }
func round(out []uint8, in []int16)                         { roundLoops(out, in) }
func widen(out []int16, in []uint8)                         { widenLoops(out, in) }
func toRGB(r, g, b []uint8, y, cb, cr []int16)              { toRGBLoops(r, g, b, y, cb, cr) }
func interleave(dst, r, g, b []uint8)                       { interleaveLoops(dst, r, g, b) }
func recolor(r, g, b []uint8, changes []change) int         { return recolorLoops(r, g, b, changes) }
func mixPairs(out, in []int16, pairs []int, weight []int16) { mixPairsLoops(out, in, pairs, weight) }

type sixteens struct{}

func (t *taps) arrange(int) {}
