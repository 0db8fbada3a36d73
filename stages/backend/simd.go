//go:build goexperiment.simd && amd64

package backend

import "simd/archsimd"

// vectors names the instructions that the Go backend multiplies matrices with.
func vectors() string {
	switch {
	case archsimd.X86.AVX512():
		return "AVX-512"
	case archsimd.X86.AVX2():
		return "AVX2"
	}
	return "no SIMD"
}
