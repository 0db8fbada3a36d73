// Package backend picks the machine that runs the graphs.
package backend

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// Names are what Open knows.
func Names() []string { return []string{"auto", "go", "xla:cpu", "xla:cuda"} }

// Open returns the backend of that name and, in one line for people, what it
// is and why.
func Open(name string) (backend compute.Backend, reason string, err error) {
	switch name {
	case "auto", "go":
		b, err := gobackend.New("")
		if err != nil {
			return nil, "", fmt.Errorf("starting the Go backend: %w", err)
		}
		return b, "go", nil
	}
	return nil, "", fmt.Errorf("choosing a backend: have %q, want one of %s", name, strings.Join(Names(), ", "))
}
