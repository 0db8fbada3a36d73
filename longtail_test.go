package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selfstream/stages/ledger"
	"selfstream/trainer/plan"
)

// TestLongTail: a run on a long tail keeps its manifest, can be stopped, gone on
// with and verified, and a method that learns from labels sees the batches of one
// that does not.
func TestLongTail(t *testing.T) {
	dir := photos(t, 8, nil)
	command := func(state, method string, more ...string) []string {
		return append([]string{
			"up", "--state", state, "--nats-port", "0", "--s3-port", "0", "--http-port", "0", "--backend", "go", "--data", dir, "--until-done",
			"--name", "tail", "--summary", filepath.Join(state, "summary.json"), "--method", method,
			"--image-size", "16", "--batch", "8", "--epochs", "2", "--snapshot-every", "4", "--long-tail", "4", "--learning-rate", "0.001",
		}, more...)
	}
	state, other := t.TempDir(), t.TempDir()
	if code, stdout, stderr := selfstream(t, command(state, "supervised")...); code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
	}
	want := readSummary(t, filepath.Join(state, "summary.json"))

	var m plan.Manifest
	var probed struct{ Train, Test []any }
	for document, v := range map[string]any{ledger.Manifest: &m, "probe-images.json": &probed} {
		data, err := os.ReadFile(filepath.Join(state, "s3", "runs", "tail", document))
		if err == nil {
			err = json.Unmarshal(data, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	counts := slices.Sorted(slices.Values(m.PerClass()))
	if tail := []int{2, 2, 3, 3, 4, 4, 5, 6, 7, 8}; !slices.Equal(counts, tail) || want.Images != 44 || want.Steps != 2*44/8 {
		t.Errorf("have classes of %v, %d images and %d steps, want %v", counts, want.Images, want.Steps, tail)
	}
	if len(probed.Train) != 80 || len(probed.Test) != 20 {
		t.Errorf("have probes on %d and %d images, want all 80 and 20", len(probed.Train), len(probed.Test))
	}

	_, described, _ := selfstream(t, "runs", "--state", state, "tail")
	for _, word := range []string{"a long tail: the first class has 4 times the images of the last", "few", "balancedness (0.2)"} {
		if !strings.Contains(described, word) {
			t.Errorf("have %s, want %q", described, word)
		}
	}
	if code, stdout, stderr := selfstream(t, "verify", "--state", state, "tail"); code != 0 || !strings.Contains(stdout, want.BatchesSHA256) {
		t.Errorf("verify: have exit code %d, %s, %s; want %s", code, stdout, stderr, want.BatchesSHA256)
	}
	if code, _, stderr := selfstream(t, command(state, "supervised", "--long-tail", "2")...); code != exitFailed || !strings.Contains(stderr, "exists with other settings") {
		t.Errorf("another tail under its name: have exit code %d: %s", code, stderr)
	}
	interrupt(t, "step 4: ", command(other, "supervised", "--augmenters", "3"))
	if code, stdout, stderr := selfstream(t, command(other, "supervised", "--augmenters", "1")...); code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if again := readSummary(t, filepath.Join(other, "summary.json")); again.BatchesSHA256 != want.BatchesSHA256 || again.WeightsSHA256 != want.WeightsSHA256 {
		t.Errorf("stopped: have digests %s and %s, want %s and %s", again.BatchesSHA256, again.WeightsSHA256, want.BatchesSHA256, want.WeightsSHA256)
	}

	unlabelled := t.TempDir()
	if code, stdout, stderr := selfstream(t, command(unlabelled, "simclr", "--epochs", "2")...); code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if simclr := readSummary(t, filepath.Join(unlabelled, "summary.json")); simclr.BatchesSHA256 != want.BatchesSHA256 {
		t.Errorf("simclr: have batches %s, want %s, those of supervised", simclr.BatchesSHA256, want.BatchesSHA256)
	}
}
