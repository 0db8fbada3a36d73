//go:build !goexperiment.simd || !amd64

package backend

// vectors names the instructions that the Go backend multiplies matrices with.
func vectors() string { return "no SIMD, GOEXPERIMENT=simd builds it in" }
