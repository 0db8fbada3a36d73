//go:build !(goexperiment.simd && amd64)

package jpeg

func idct8(dst []uint8, stride int, b *block, quant *[64]int32) { idct8Loops(dst, stride, b, quant) }
func idct4(dst []uint8, stride int, b *block, quant *[64]int32) { idct4Loops(dst, stride, b, quant) }
