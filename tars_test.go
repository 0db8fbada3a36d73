package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selfstream/stages/scenes"
)

// shards writes drawn pictures as a folder of three tars, one of them held out,
// and a fourth that is cut off in its second picture.
func shards(t *testing.T, perClass int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shards")
	files := map[string]*bytes.Buffer{}
	tars := map[string]*tar.Writer{}
	n := 0
	for key, png := range scenes.All(1, perClass, 2) {
		split, rel, _ := strings.Cut(key, "/")
		name := split + "/0.tar"
		if n++; split == "train" && n%3 == 0 {
			name = "train/1.tar"
		}
		if tars[name] == nil {
			files[name] = new(bytes.Buffer)
			tars[name] = tar.NewWriter(files[name])
		}
		err := tars[name].WriteHeader(&tar.Header{Name: rel, Size: int64(len(png)), Mode: 0o644})
		if _, err2 := tars[name].Write(png); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}
	for name, w := range tars {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), files[name].Bytes())
	}
	whole := files["train/1.tar"].Bytes()
	writeFile(t, filepath.Join(dir, "train/2.tar"), whole[:len(whole)/8])
	return dir
}

func writeFile(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUpOnTars learns from tars as from the folders that are packed in them:
// the same batches for any number of augmenters, which can be made again, and
// the same classes to probe with.
func TestUpOnTars(t *testing.T) {
	dir := shards(t, 8)
	var batches []string
	for _, augmenters := range []string{"1", "3"} {
		state := t.TempDir()
		file := filepath.Join(state, "summary.json")
		code, stdout, stderr := selfstream(t, small(state, "--data", dir, "--until-done", "--summary", file, "--augmenters", augmenters)...)
		if code != 0 {
			t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
		}
		s := readSummary(t, file)
		if s.State != "finished" || s.Images <= 80 || s.Images >= 90 || s.Rejected != 0 || len(s.Probes) == 0 || s.Probes[0].LinearTop1 == nil {
			t.Errorf("have %+v", s)
		}
		if !strings.Contains(stdout, "2.tar: it is cut off") {
			t.Errorf("have %q, want it to tell of the broken tar", stdout)
		}
		batches = append(batches, s.BatchesSHA256)
		code, stdout, stderr = selfstream(t, "verify", s.Run, "--state", state)
		if code != 0 || !strings.Contains(stdout, s.BatchesSHA256) {
			t.Errorf("verify: have exit code %d, %q, %q, want digest %s", code, stdout, stderr, s.BatchesSHA256)
		}
		code, stdout, _ = selfstream(t, "datasets", "ls", "--state", state)
		if code != 0 || !strings.Contains(stdout, "2.tar: it is cut off") {
			t.Errorf("datasets ls: have exit code %d, %q", code, stdout)
		}
	}
	if batches[0] != batches[1] {
		t.Errorf("have batches %s by one augmenter and %s by three", batches[0], batches[1])
	}
	code, stdout, stderr := selfstream(t, "preview", "--data", dir, "--photos", "3", "--out", filepath.Join(t.TempDir(), "x.png"))
	if code != 0 || !strings.Contains(stdout, "3 photos") {
		t.Errorf("preview: have exit code %d, %q, %q", code, stdout, stderr)
	}
}
