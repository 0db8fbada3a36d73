// Package backend picks the machine that runs the graphs.
package backend

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// Names lists what Open opens:
//
//	auto      the first of xla:cuda, xla:cpu and go that is ready
//	go        GoMLX's backend in Go; the same bits on every run, on any number of cores
//	xla:cpu   XLA on the processor; needs cgo and XLA's plugin
//	xla:cuda  XLA on an NVIDIA GPU; likewise
//
// A plugin that is asked for by name is downloaded if it is missing. "auto"
// downloads nothing: how a run is computed must not depend on how the network
// is today.
func Names() []string { return []string{"auto", "go", "xla:cpu", "xla:cuda"} }

// Open starts the backend of that name. The reason is one line for people: what
// runs and, after "auto", why not something faster.
func Open(name string) (b compute.Backend, reason string, err error) {
	switch name {
	case "auto":
		return openFirst()
	case "go":
		return openGo()
	case "xla:cpu", "xla:cuda":
		if b, reason, err = openXLA(strings.TrimPrefix(name, "xla:"), true); err != nil {
			err = fmt.Errorf("starting %s: %w", name, err)
		}
		return b, reason, err
	default:
		return nil, "", fmt.Errorf("choosing a backend: have %q, want one of %s", name, strings.Join(Names(), ", "))
	}
}

// openFirst opens the first backend that can be opened at once.
func openFirst() (compute.Backend, string, error) {
	why := ""
	for _, platform := range []string{"cuda", "cpu"} {
		b, reason, err := openXLA(platform, false)
		if err == nil {
			return b, reason + why, nil
		}
		message, _, _ := strings.Cut(err.Error(), "\n")
		why += fmt.Sprintf("; no xla:%s: %s", platform, message)
	}
	b, reason, err := openGo()
	return b, reason + why, err
}

func openGo() (compute.Backend, string, error) {
	b, err := newGo()
	if err != nil {
		return nil, "", fmt.Errorf("starting the Go backend: %w", err)
	}
	return b, fmt.Sprintf("go (%d cores, %s)", runtime.GOMAXPROCS(0), vectors()), nil
}

var newGoMu sync.Mutex // newGo changes a variable of the process

// newGo returns a Go backend that runs any number of operations at once. With
// its default, twice the number of cores, it stands still for ever as soon as
// so many large matrix products are ready together: each of them keeps a place
// while it waits for another (compute v0.1.3, workerspool.Pool.Saturate).
func newGo() (compute.Backend, error) {
	newGoMu.Lock()
	defer newGoMu.Unlock()
	// The option is announced on standard output, which is our user's.
	stdout := os.Stdout
	os.Stdout = nil
	defer func() { os.Stdout = stdout }()
	return gobackend.New("parallelism=-1")
}
