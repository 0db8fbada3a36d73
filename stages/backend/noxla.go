//go:build !cgo || noxla || !((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package backend

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
)

var errNoXLA = errors.New("this program was built without cgo or with the tag noxla")

// openXLA says why there is no XLA.
func openXLA(string, bool) (compute.Backend, string, error) { return nil, "", errNoXLA }

// Install downloads the plugin of an XLA backend, which this program could not
// use.
func Install(name, _ string) error {
	return fmt.Errorf("installing the plugin of %s: %w", name, errNoXLA)
}
