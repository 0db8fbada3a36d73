package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestDiverged: a run whose loss is no number any more says so, and keeps no
// snapshot from behind that step, though the next may have been made by then.
func TestDiverged(t *testing.T) {
	state := t.TempDir()
	args := small(state, "--data", photos(t, 4, nil), "--until-done", "--name", "wild", "--optimizer", "sgd",
		"--learning-rate", "1e30", "--warmup", "0", "--snapshot-every", "1")
	code, _, stderr := selfstream(t, args...)
	found := regexp.MustCompile(`the loss is (?:NaN|[+-]Inf) at step (\d+): the run has diverged`).FindStringSubmatch(stderr)
	if code != exitFailed || found == nil {
		t.Fatalf("have exit code %d and %s, want one that says that the run has diverged", code, stderr)
	}
	at, err := strconv.Atoi(found[1])
	if err != nil || at == 0 {
		t.Fatalf("have step %s, want one after the first", found[1])
	}
	kept, err := filepath.Glob(filepath.Join(state, "s3", "runs", "wild", "snapshots", "*", "card.json"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("have no snapshots in %s, %v", state, err)
	}
	for _, card := range kept {
		step, err := strconv.Atoi(filepath.Base(filepath.Dir(card)))
		if err != nil || step > at {
			t.Errorf("have %s, %v, want none behind step %d", card, err, at)
		}
	}
	if _, err := os.Stat(filepath.Join(state, "s3", "runs", "wild", "status.json")); err != nil {
		t.Error(err)
	}
}
