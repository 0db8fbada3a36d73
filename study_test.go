package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selfstream/evaluator/study"
)

// TestStudy makes the runs of a study, and not again.
func TestStudy(t *testing.T) {
	dir, state := photos(t, 8, nil), t.TempDir()
	page := filepath.Join(state, "study.html")
	args := []string{
		"study", "imbalance", "--data", dir, "--state", state, "--backend", "go", "--out", page, "--ratios", "4,1", "--seeds", "7",
		"--image-size", "16", "--batch", "8", "--steps", "4",
	}
	code, first, stderr := selfstream(t, args...)
	if code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, first, stderr)
	}
	for _, want := range []string{"| supervised, 1 | ", "| simclr, 4 | ", "Dataset photos, seed 7.", "| at 4, simclr is more balanced (σ = 0.2) than supervised | "} {
		if !strings.Contains(first, want) {
			t.Errorf("have %s, want %q", first, want)
		}
	}
	if !strings.Contains(stderr, "4 of 4: simclr, 4, seed 7: run photos-simclr-") {
		t.Errorf("have %s, want a line for each run", stderr)
	}
	if strings.Contains(first, "–") && !strings.Contains(first, "| supervised, 1 | ") {
		t.Errorf("have %s, want all figures", first)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "<h1>imbalance on photos</h1>") {
		t.Errorf("have %s and %v, want the page", text, err)
	}

	_, stdout, _ := selfstream(t, "runs", "--state", state, "--json")
	var runs []struct {
		Images int
		Config struct {
			LongTail float64 `json:"long_tail"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &runs); err != nil || len(runs) != 4 {
		t.Fatalf("have %d runs and %v, want 4", len(runs), err)
	}
	for _, r := range runs {
		if r.Images != runs[0].Images || r.Config.LongTail == 0 {
			t.Errorf("have %+v, want as many images in each run", runs)
		}
	}

	code, again, stderr := selfstream(t, args...)
	if code != 0 || again != first || strings.Contains(stderr, " of 4: ") {
		t.Errorf("again: have exit code %d, %s\n%s\nwant the same, and no run made again", code, again, stderr)
	}
	code, stdout, _ = selfstream(t, append(args, "--json")...)
	var tables map[string]study.Table
	if err := json.Unmarshal([]byte(stdout), &tables); code != 0 || err != nil || len(tables["results"].Rows) != 4 {
		t.Errorf("have exit code %d, %v and %s, want JSON", code, err, stdout)
	}
}

// TestStudyTrials: every study's flags make sense, and a person's go before
// them.
func TestStudyTrials(t *testing.T) {
	o := newOptions("study", "NAME", "")
	s := &studySettings{dataFlags: &dataFlags{dataset: "d"}, run: o.settingFlags(), seeds: []uint64{1, 2}, methods: []string{"supervised", "supcon", "kcl", "byol"}, ratios: []float64{1, 10}}
	if err := o.Parse([]string{"--epochs=3", "--encoder=resnet18"}); err != nil {
		t.Fatal(err)
	}
	for _, st := range append(study.Fixed(), study.Imbalance(s.methods, s.ratios, 50)) {
		trials, err := s.trials(st)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, tr := range trials {
			c := tr.req.Config
			if c.Epochs != 3 || c.Steps != 0 || c.Encoder != "resnet18" || fmt.Sprint(c.ImageSize) != st.Flags["image-size"] || c.Seed != s.seeds[tr.seed] {
				t.Errorf("%s, %s: have %+v", st.Name, tr.arm, c)
			}
			names[tr.req.Run] = true
		}
		if want := len(st.Arms) * 2; len(trials) != want || len(names) != want {
			t.Errorf("%s: have %d runs with %d names, want %d", st.Name, len(trials), len(names), want)
		}
	}
}
