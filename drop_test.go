package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
	"selfstream/trainer/drop"
	"selfstream/trainer/plan"
)

// TestSettingsFile: the file in a dataset has the flags of a run as keys, and
// comes before the flags of the trainer.
func TestSettingsFile(t *testing.T) {
	given := []setFlag{{"method", "simclr"}, {"set", "temperature=0.1"}, {"epochs", "3"}, {"batch", "16"}}
	for _, tc := range []struct {
		name, text string
		want       string // of the settings, or of the error
	}{
		{"none", "", "method=simclr set=temperature=0.1 epochs=3 batch=16"},
		{"a number", "batch: 32", "method=simclr set=temperature=0.1 epochs=3 batch=32"},
		{"steps for epochs", "steps: 9", "method=simclr set=temperature=0.1 batch=16 steps=9"},
		{"another method", "method: byol", "epochs=3 batch=16 method=byol"},
		{"methods", "method: [byol, barlow]", "epochs=3 batch=16 method=byol,barlow"},
		{"settings", "set: {temperature: 0.5}", "method=simclr epochs=3 batch=16 set=temperature=0.5"},
		{"a list of settings", "set:\n- temperature=0.5\n- dim=8", "method=simclr epochs=3 batch=16 set=temperature=0.5 set=dim=8"},

		{"an unknown key", "batch: 8\nepoch: 3", `line 2: no setting "epoch"`},
		{"a name", "name: mine", `line 1: no setting "name"`},
		{"another file", "config: other.yaml", `line 1: no setting "config"`},
		{"a list of numbers", "batch: [1, 2]", "line 1: batch: have several values"},
		{"no value", "batch:", "line 1: batch: want a value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all, err := mergeSettings(given, []byte(tc.text))
			var words []string
			for _, s := range all {
				words = append(words, s.name+"="+s.value)
			}
			if have := strings.Join(words, " "); err == nil && have != tc.want {
				t.Errorf("have %q, want %q", have, tc.want)
			}
			if err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %v, want %q", err, tc.want)
			}
		})
	}
}

// TestDropRequests: equal datasets and settings give equal names, and others
// others.
func TestDropRequests(t *testing.T) {
	version := strings.Repeat("0a", 32)
	names := func(dataset, version, text string) (all []string) {
		t.Helper()
		requests, err := new(dropFlags).requests(dataset, version, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range requests {
			if err := r.Validate(); err != nil || r.Version != version || r.Dataset != dataset {
				t.Errorf("have %+v, %v, want a valid request for %s", r, err, dataset)
			}
			all = append(all, r.Run)
		}
		return all
	}
	first := names("My Photos", version, "")
	if len(first) != 1 || !strings.HasPrefix(first[0], "my-photos-simclr-") {
		t.Errorf("have %v, want one run of simclr", first)
	}
	if again := names("My Photos", version, "method: simclr"); !slices.Equal(first, again) {
		t.Errorf("have %v for the same settings, want %v", again, first)
	}
	seen := map[string]string{first[0]: "the first"}
	for what, name := range map[string]string{
		"another version": names("My Photos", strings.Repeat("0b", 32), "")[0],
		"other settings":  names("My Photos", version, "batch: 8")[0],
		"another dataset": names("my photos", version, "")[0],
		"byol":            names("My Photos", version, "method: [byol, barlow]")[0],
		"barlow":          names("My Photos", version, "method: [byol, barlow]")[1],
	} {
		if seen[name] != "" {
			t.Errorf("%s: have the name of %s, %s", what, seen[name], name)
		}
		seen[name] = what
	}
	for text, want := range map[string]string{
		"method: simclar":                   `"simclar"`,
		"method: byol,byol":                 "byol twice",
		"method: byol\nset: {dimm: 4}":      "dimm",
		"batch: many":                       "batch",
		"image-size: 4":                     "image size: have 4",
		"optimizer: sgd":                    "--learning-rate",
		"epochs: 3\nsteps: 4":               "epochs and steps",
		"seed: -1":                          "seed",
		"set: {temperature: 0.5, recipe: }": "want a value",
	} {
		if _, err := new(dropFlags).requests("d", version, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: have %v, want %q", text, err, want)
		}
	}
}

// TestDropIntoUp copies folders into the bucket of a running selfstream up.
func TestDropIntoUp(t *testing.T) {
	brief(t)
	state := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr syncBuffer
	ended := make(chan int, 1)
	start := func() {
		go func() {
			ended <- run(ctx, small(state, "--data", photos(t, 4, nil), "--quiet", "1s"), &stdout, &stderr)
		}()
	}
	datasets := filepath.Join(state, "s3", datasetsBucket)
	copyTo := func(name, file, text string) {
		t.Helper()
		dir := filepath.Join(datasets, name)
		if err := os.CopyFS(dir, os.DirFS(photos(t, 2, nil))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said := func(words string) func() bool {
		return func() bool { return strings.Contains(stdout.String(), words) }
	}
	start()
	flowtest.Eventually(t, "the first run", said("step 0: "))
	copyTo("second", drop.SettingsFile, "batch: 8\nepochs: 1")
	copyTo("wrong", drop.SettingsFile, "batches: 8")
	if err := os.MkdirAll(filepath.Join(datasets, "empty", "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the run of a dataset that was dropped", said("\nrun       second-simclr-"))
	flowtest.Eventually(t, "its end", said("step 2/2"))
	flowtest.Eventually(t, "the problem of the other", said(`no setting \"batches\"`))
	stop()
	if code := <-ended; code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	code, text, _ := selfstream(t, "runs", "--state", state)
	if code != 0 || strings.Count(text, "second-simclr-") != 1 || strings.Count(text, "photos-simclr-") != 1 || strings.Contains(text, "wrong") {
		t.Errorf("runs: have %d and\n%s, want one of photos and one of second", code, text)
	}
	code, text, _ = selfstream(t, "datasets", "ls", "--state", state)
	if code != 0 || !strings.Contains(text, `wrong: selfstream.yaml: line 1: no setting "batches"`) {
		t.Errorf("datasets ls: have %d and\n%s, want what is wrong with the settings", code, text)
	}
}

// TestDropThousands drops 5,000 photos into the bucket while a run is going: they
// have one run, on all of them, after it.
func TestDropThousands(t *testing.T) {
	brief(t)
	const n = 5000 // five pages of an S3's listing
	state := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr syncBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, small(state, "--data", photos(t, 4, nil), "--epochs", "60", "--snapshot-every", "1000", "--quiet", "3s"), &stdout, &stderr)
	}()
	said := func(words string) func() bool {
		return func() bool { return strings.Contains(stdout.String(), words) }
	}
	flowtest.Eventually(t, "the first run", said("step 0: "))
	many := filepath.Join(state, "s3", datasetsBucket, "many")
	err := os.Mkdir(many, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(many, drop.SettingsFile), []byte("batch: 8\nsteps: 3"), 0o644)
	}
	photo := filepath.Join(photos(t, 1, nil), "train", "rings", "0000.png")
	for i := 0; i < n && err == nil; i++ {
		err = os.Link(photo, filepath.Join(many, fmt.Sprintf("%04d.png", i)))
	}
	if err != nil {
		t.Fatal(err)
	}
	if said("step 150/150")() {
		t.Error("the first run was over before all was dropped")
	}
	flowtest.Eventually(t, "the end of the first run", said("step 150/150"))
	flowtest.Eventually(t, "the end of the other", said("step 3/3"))
	stop()
	if code := <-ended; code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	manifests, err := filepath.Glob(filepath.Join(state, "s3", runsBucket, "many-simclr-*", ledger.Manifest))
	if err != nil || len(manifests) != 1 {
		t.Fatalf("have the runs %v, %v, want one", manifests, err)
	}
	var m plan.Manifest
	if err := json.Unmarshal([]byte(readFile(t, manifests[0])), &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Images) != n {
		t.Errorf("have a run on %d images, want all %d", len(m.Images), n)
	}
}
