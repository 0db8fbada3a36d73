//go:build cgo && !noxla && ((linux && (amd64 || arm64)) || (darwin && arm64) || (windows && amd64))

package backend

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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
		if err := Install("xla:"+platform, ""); err != nil {
			return nil, "", fmt.Errorf("%w; put it into a folder of PJRT_PLUGIN_LIBRARY_PATH by hand, or use another backend", err)
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

// Install downloads the plugin of the backend "xla:cpu" or "xla:cuda", in the
// version that go-xla was made for or that of jax, into dir/go-xla. An empty dir is
// "~/.local/lib". Backends are found there, and in "/usr/local/lib". There need
// be no GPU to install what uses one.
//
// The installer takes no context: what is late is left to itself.
func Install(name, dir string) error {
	install, ok := installers[name]
	if !ok {
		return fmt.Errorf("installing a plugin: have %q, want one of %s", name, strings.Join(slices.Sorted(maps.Keys(installers)), ", "))
	}
	if dir == "" {
		var err error
		if dir, err = installer.DefaultHomeLibPath(); err != nil {
			return fmt.Errorf("installing the plugin of %s: %w", name, err)
		}
	}
	fmt.Fprintln(os.Stderr, "downloading the plugin of", name)
	done := make(chan error, 1)
	go func() { done <- install(filepath.Join(dir, "go-xla"), true, installer.Quiet) }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("installing the plugin of %s: %w", name, err)
		}
		return nil
	case <-time.After(installLimit):
		return fmt.Errorf("installing the plugin of %s: not done after %v", name, installLimit)
	}
}

// installers put a plugin into a folder "go-xla".
var installers = map[string]installer.AutoInstaller{"xla:cpu": installer.CPUAutoInstall}
