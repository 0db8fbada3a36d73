//go:build !cgo || noxla || !((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

// openXLA says why there is no XLA.
func openXLA(string, bool) (compute.Backend, string, error) {
	return nil, "", errors.New("this program was built without cgo or with the tag noxla")
}
