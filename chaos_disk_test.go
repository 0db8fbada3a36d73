package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestChaosDiskFull fills the disks of the servers, one after the other. While
// that of the S3 is full, snapshots are left out. A NATS whose disk is full
// stores nothing until it is restarted, which the trainer cannot do: it says so
// and ends.
func TestChaosDiskFull(t *testing.T) {
	thorough(t)
	beside(t)
	t.Run("of the S3", func(t *testing.T) {
		s, trainer, disk := beginOnDisk(t, "s3", 32)
		empty := fill(t, disk)
		s.await("a warning", func() bool { return trainer.said("going on without a snapshot") && trainer.said("make room") })
		empty()
		s.finish()
	})
	t.Run("of NATS", func(t *testing.T) {
		s, trainer, disk := beginOnDisk(t, "nats", 640) // some of which NATS sets aside
		empty := fill(t, disk)
		s.await("the trainer to give up", func() bool { return trainer.gaveUp() && trainer.said("make room and restart it") })
		empty()
		s.restartNATS(false)
		trainer.restart()
		s.finish()
	})
}

// beginOnDisk begins a run in a system one of whose servers has a disk of its
// own, of so many MiB. It skips the test where that cannot be had.
func beginOnDisk(t *testing.T, server string, mib int) (s *system, trainer *process, disk string) {
	t.Helper()
	dir := t.TempDir()
	disk = filepath.Join(dir, server)
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mib), "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("a disk to fill needs Linux and root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %v: %s", err, out)
		}
	})
	s = newSystemIn(t, dir)
	s.ask()
	trainer = s.trainer()
	s.augmenter("a", 1)
	s.reach(2 * snapshotEvery)
	return s, trainer, disk
}

// fill fills a disk, and returns a function that makes room on it.
func fill(t *testing.T, disk string) (empty func()) {
	t.Helper()
	balloon := filepath.Join(disk, "balloon")
	f, err := os.Create(balloon)
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling a disk: have %v, want %v", err, syscall.ENOSPC)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(balloon); err != nil {
			t.Fatal(err)
		}
	}
}
