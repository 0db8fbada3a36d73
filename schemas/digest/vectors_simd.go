//go:build goexperiment.simd && amd64

package digest

import "simd/archsimd"

var avx = archsimd.X86.AVX()

func clearVectors() {
	if avx {
		archsimd.ClearAVXUpperBits()
	}
}
