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
func blendAll(p []uint8, with uint8, factor float32)        { blendAllLoops(p, with, factor) }
func saturate(r, g, b []uint8, factor float32)              { saturateLoops(r, g, b, factor) }
func sumLuma(r, g, b []uint8) int                           { return sumLumaLoops(r, g, b) }
func toLuma(r, g, b []uint8)                                { toLumaLoops(r, g, b) }
func turnHue(r, g, b []uint8, add uint8)                    { turnHueLoops(r, g, b, add) }
func mixPairs(out, in []int16, pairs []int, weight []int16) { mixPairsLoops(out, in, pairs, weight) }
