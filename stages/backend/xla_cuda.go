//go:build cgo && !noxla && linux && amd64

package backend

import "github.com/gomlx/go-xla/installer"

// jax is the release of JAX that XLA for CUDA 13 is taken from. go-xla asks for
// the latest, which is another one every month.
const jax = "0.11.0"

func init() {
	installers["xla:cuda"] = func(dir string, useCache bool, verbosity installer.VerbosityLevel) error {
		return installer.CudaInstall("cuda13", jax, dir, useCache, verbosity)
	}
}
