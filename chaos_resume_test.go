package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selfstream/stages/ledger"
	"selfstream/trainer/method"
	"selfstream/trainer/snapshot"
)

// file is where the S3 keeps a file of the run.
func (s *system) file(key string) string {
	return filepath.Join(s.dir, "s3", runsBucket, chaosRun, filepath.FromSlash(key))
}

// rewrite changes a file of the run, and returns a function that undoes it.
func (s *system) rewrite(key string, change func([]byte) []byte) (undo func()) {
	s.t.Helper()
	was, err := os.ReadFile(s.file(key))
	if err == nil {
		err = os.WriteFile(s.file(key), change(bytes.Clone(was)), 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := os.WriteFile(s.file(key), was, 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

// newest is the folder of the run's newest snapshot that is whole.
func (s *system) newest() string {
	s.t.Helper()
	steps, err := snapshot.Steps(s.t.Context(), s.ledger.Bucket(), chaosRun)
	if err != nil || len(steps) == 0 {
		s.t.Fatalf("have %d snapshots and %v", len(steps), err)
	}
	return strings.TrimPrefix(snapshot.Prefix(chaosRun, steps[len(steps)-1]), chaosRun+"/")
}

// TestChaosSnapshotDamaged: a trainer goes on from the newest snapshot that is
// whole, and tells which it has skipped.
func TestChaosSnapshotDamaged(t *testing.T) {
	thorough(t)
	beside(t)
	s, trainer := begin(t, "a")
	for i, damage := range []struct {
		file   string
		change func([]byte) []byte
	}{
		{"state.safetensors", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }},
		{"state.safetensors", func(b []byte) []byte { return b[:len(b)/2] }},
		{"card.json", func([]byte) []byte { return []byte("{") }},
	} {
		s.reach(s.status().Step + 2*snapshotEvery)
		trainer.kill()
		s.rewrite(s.newest()+"/"+damage.file, damage.change)
		trainer.restart()
		s.ask()
		s.await("a warning", func() bool {
			return strings.Count(trainer.log.String(), "skipping a damaged snapshot") > i
		})
	}
	s.finish()
}

// TestChaosAnotherFunction: a run is not continued by another build or from
// another manifest, which would give it batches of two kinds.
func TestChaosAnotherFunction(t *testing.T) {
	thorough(t)
	beside(t)
	s, trainer := begin(t, "a")
	s.reach(2 * snapshotEvery)
	trainer.kill()
	own := s.status().Fingerprint
	undo := s.rewrite(s.newest()+"/card.json", func(b []byte) []byte {
		return bytes.Replace(b, []byte(own), []byte(foreign), 1)
	})
	trainer.restart()
	s.ask()
	s.refused(own, foreign)
	undo()
	undo = s.rewrite(ledger.Manifest, func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"label": 0`), []byte(`"label": 1`), 1)
	})
	s.ask()
	s.refused(ledger.Manifest, "put the old one back")
	undo()
	s.ask()
	s.await("the run to go on", func() bool { return s.status().State != ledger.Failed })
	s.finish()
}

// refused waits until the run has failed with all these words.
func (s *system) refused(words ...string) {
	s.t.Helper()
	s.await(fmt.Sprintf("the run to fail with %q", words), func() bool {
		status := s.status()
		for _, word := range words {
			if status.State != ledger.Failed || !strings.Contains(status.Error, word) {
				return false
			}
		}
		return true
	})
}

// TestChaosMethods: for every method there is, ten steps are five, a SIGKILL,
// and five more.
func TestChaosMethods(t *testing.T) {
	thorough(t)
	beside(t)
	s := newSystem(t)
	s.augmenter("a", 2)
	trainer := s.trainer()
	for _, name := range method.Names() {
		t.Run(name, func(t *testing.T) {
			straight, killed := name+"-straight", name+"-killed"
			ask := func(run string) {
				s.askFor(run, "--method", name, "--encoder", "tiny", "--image-size", "32", "--batch", "16", "--steps", "10", "--snapshot-every", "5")
			}
			ask(straight)
			want := s.endOf(straight, ledger.Finished)
			dead := make(chan struct{})
			s.faulty.suffer(onPut(killed+"/snapshots/00000005/card.json", true, func() { trainer.kill(); close(dead) }))
			ask(killed)
			s.met(dead)
			s.faulty.suffer(nil)
			trainer.restart()
			ask(killed)
			s.compare(s.endOf(killed, ledger.Finished), want)
		})
	}
}
