//go:build !(goexperiment.simd && amd64)

package jpeg

func idct8(dst []uint8, stride int, b *block, quant *[64]int32) { idct8Loops(dst, stride, b, quant) }
