//go:build cgo && !noxla && ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package backend

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
)

// installLimit is for the plugins, of about 100 MB for the processor and
// 3 GB for a GPU.
const installLimit = 15 * time.Minute

// openXLA starts XLA on "cpu" or "cuda". A plugin that is missing is downloaded
// if install says so.
func openXLA(platform string, install bool) (compute.Backend, string, error) {
	xla.EnableAutoInstall(false) // it would download without a limit of time
	if platform == "cuda" && !installer.HasNvidiaGPU() {
		return nil, "", errors.New("there is no NVIDIA GPU")
	}
	if !installed(platform) {
		if !install {
			return nil, "", fmt.Errorf("its plugin is not installed, --backend xla:%s downloads it", platform)
		}
		if err := download(); err != nil {
			return nil, "", fmt.Errorf("installing its plugin: %w; put it into a folder of PJRT_PLUGIN_LIBRARY_PATH by hand, or use another backend", err)
		}
	}
	b, err := xla.New(platform)
	if err != nil {
		return nil, "", err
	}
	return b, fmt.Sprintf("xla:%s (%s)", platform, b.DeviceDescription(0)), nil
}

// installed reports whether the platform's plugin is on this machine.
func installed(platform string) bool {
	return slices.ContainsFunc(xla.GetAvailablePlugins(), func(plugin string) bool {
		return plugin == platform || strings.HasPrefix(plugin, platform+"_v")
	})
}

// download installs the plugins that fit this machine below the user's home.
// The installer takes no context: what is late is left to itself.
func download() error {
	fmt.Fprintln(os.Stderr, "downloading XLA's plugin")
	done := make(chan error, 1)
	go func() { done <- installer.AutoInstall("", true, installer.Quiet) }()
	select {
	case err := <-done:
		return err
	case <-time.After(installLimit):
		return fmt.Errorf("not done after %v", installLimit)
	}
}
