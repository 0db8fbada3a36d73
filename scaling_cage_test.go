package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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

// processorTimeOf is what a process has used so far, in the kernel's hundredths
// of a second.
func processorTimeOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold anything; utime and stime are the 12th
	// and 13th field behind it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields behind the name, want at least 13", pid, len(fields))
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
