package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// cage is a control group of Linux whose processes have, together, so much of
// the processor's time and no more.
type cage string

// cagePeriod is how often its time is dealt out: often, so that a process that
// has used its own does not stand still for long.
const cagePeriod = 10 * time.Millisecond

// newCage makes a cage of a share of one core, or says why it cannot.
func newCage(t testing.TB, name string, share float64) (cage, error) {
	const root = "/sys/fs/cgroup"
	period, quota := strconv.FormatInt(cagePeriod.Microseconds(), 10), strconv.FormatInt(int64(share*float64(cagePeriod.Microseconds())), 10)
	dir, settings := filepath.Join(root, "cpu", name), [][2]string{{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", quota}}
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil { // version 2
		dir, settings = filepath.Join(root, name), [][2]string{{"../cgroup.subtree_control", "+cpu"}, {"cpu.max", quota + " " + period}}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Log("removing a control group: ", err)
		}
	})
	for _, s := range settings {
		if err := os.WriteFile(filepath.Join(dir, s[0]), []byte(s[1]), 0); err != nil {
			return "", err
		}
	}
	return cage(dir), nil
}

// hold puts a process in.
func (c cage) hold(pid int) error {
	return os.WriteFile(filepath.Join(string(c), "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// processorTimeOf is what a process has used so far, as Linux counts it: in
// hundredths of a second. Elsewhere the benchmark is skipped.
func processorTimeOf(b *testing.B, pid int) time.Duration {
	if runtime.GOOS != "linux" {
		b.Skip("processor times are read from Linux's /proc")
	}
	p, err := procfs.NewProc(pid)
	if err != nil {
		b.Fatal(err)
	}
	stat, err := p.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(stat.CPUTime() * float64(time.Second))
}
