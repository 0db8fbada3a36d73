//go:build !goexperiment.simd || !amd64

package digest

func clearVectors() {}
