package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/stages/scenes"
)

// photos writes a labelled folder of drawn pictures, and what the names of
// broken say beside them.
func photos(t testing.TB, perClass int, broken map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	for key, png := range scenes.All(1, perClass, 2) {
		putFile(t, dir, key, png)
	}
	for name, data := range broken {
		putFile(t, dir, name, data)
	}
	return dir
}

// putFile writes a file below a folder.
func putFile(t testing.TB, dir, key string, data []byte) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// small are flags that make a run of seconds.
func small(state string, more ...string) []string {
	return append([]string{
		"up", "--state", state, "--nats-port", "0", "--s3-port", "0", "--http-port", "0", "--backend", "go",
		"--image-size", "16", "--batch", "16", "--epochs", "3", "--snapshot-every", "4", "--set", "dim=16",
	}, more...)
}

func readSummary(t testing.TB, file string) history.Summary {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s history.Summary
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// png100k is the head of a PNG that claims 100,000 × 100,000 pixels.
func png100k(t testing.TB) []byte {
	t.Helper()
	for _, png := range scenes.All(1, 1, 0) {
		png = slices.Clone(png)
		copy(png[16:24], []byte{0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0})
		return png
	}
	return nil
}

// TestAccumulate: parts change what a batch does to the weights, where it is
// normalised, and not what it is.
func TestAccumulate(t *testing.T) {
	dir := photos(t, 4, nil)
	train := func(parts string) history.Summary {
		state := t.TempDir()
		file := filepath.Join(state, "summary.json")
		args := small(state, "--data", dir, "--until-done", "--summary", file, "--method", "byol", "--epochs", "1", "--accumulate", parts)
		if code, stdout, stderr := selfstream(t, args...); code != 0 {
			t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
		}
		return readSummary(t, file)
	}
	whole, parted := train("1"), train("4")
	if parted.BatchesSHA256 != whole.BatchesSHA256 || parted.Steps != whole.Steps {
		t.Errorf("have batches %s in %d steps, want %s in %d", parted.BatchesSHA256, parted.Steps, whole.BatchesSHA256, whole.Steps)
	}
	if parted.WeightsSHA256 == whole.WeightsSHA256 {
		t.Errorf("have the same weights, want each part normalised alone")
	}
}

// TestUp takes a folder with broken files from photos to probes, on all real
// parts.
func TestUp(t *testing.T) {
	dir := photos(t, 8, map[string][]byte{
		"train/rings/empty.jpg":  {},
		"train/rings/text.jpg":   []byte("this is not a picture"),
		"train/rings/claims.png": png100k(t),
		"train/notes.txt":        []byte("remember the milk"),
	})
	state := t.TempDir()
	file := filepath.Join(state, "summary.json")
	args := small(state, "--data", dir, "--until-done", "--summary", file)
	code, stdout, stderr := selfstream(t, args...)
	if code != 0 {
		t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
	}
	s := readSummary(t, file)
	if s.State != "finished" || s.Images != 83 || s.Rejected != 3 || s.SamplesTrained != int64(16*s.Steps) || s.Steps != 80*3/16 {
		t.Errorf("have %+v", s)
	}
	if len(s.BatchesSHA256) != 64 || len(s.WeightsSHA256) != 64 {
		t.Errorf("have digests %q and %q", s.BatchesSHA256, s.WeightsSHA256)
	}
	var steps []int
	for _, p := range s.Probes {
		steps = append(steps, p.Step)
		if p.LinearTop1 == nil || p.KNNTop1 == nil {
			t.Errorf("step %d: have probes %+v, want linear and k-NN", p.Step, p)
		}
		if all := p.LinearBestTop1 != nil && p.KNNBestTop1 != nil && len(p.Stages) == 4; all != (p.Step == 0 || p.Step == s.Steps) {
			t.Errorf("step %d: have probes %+v, want those of all stages at the first and the last step alone", p.Step, p)
		}
	}
	if want := []int{0, 4, 8, 12, 15}; !slices.Equal(steps, want) {
		t.Errorf("have probes at %v, want %v", steps, want)
	}
	checkStages(t, s.Stages)
	if !strings.Contains(stdout, "linear vs untrained") {
		t.Errorf("have no table in %s", stdout)
	}

	t.Run("runs", func(t *testing.T) {
		code, stdout, stderr := selfstream(t, "runs", "--state", state, s.Run)
		for _, want := range []string{"empty.jpg", "text.jpg", "claims.png", s.BatchesSHA256, "finished", "best vs best", "stages of the encoder at step 15, against step 0"} {
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("have exit code %d, %s, %s; want %q", code, stdout, stderr, want)
			}
		}
	})
	t.Run("report", func(t *testing.T) {
		page := filepath.Join(t.TempDir(), "report.html")
		code, stdout, stderr := selfstream(t, "report", "--state", state, s.Run, "--out", page)
		text, err := os.ReadFile(page)
		if code != 0 || err != nil || !strings.Contains(string(text), s.BatchesSHA256) || !strings.Contains(string(text), "data:image/jpeg") {
			t.Errorf("have exit code %d, %s, %s and %v, want the page", code, stdout, stderr, err)
		}
		if code, stdout, _ := selfstream(t, "report", "--state", state, s.Run, "--csv"); code != 0 || !strings.Contains(stdout, s.Run+",15,probe linear,") {
			t.Errorf("have exit code %d and %s, want the probes as CSV", code, stdout)
		}
		if code, stdout, _ := selfstream(t, "report", "--state", state, s.Run, "--json"); code != 0 || !json.Valid([]byte(stdout)) {
			t.Errorf("have exit code %d and %s, want JSON", code, stdout)
		}
	})
	t.Run("evaluate", func(t *testing.T) {
		ask := []string{"evaluate", "--state", state, s.Run, "--backend", "go", "--probes", "linear,finetune,scratch", "--labels", "0.25,1", "--seeds", "2", "--tuning-steps", "2"}
		code, stdout, stderr := selfstream(t, ask...)
		for _, want := range []string{
			"probe      labels   stage    untrained", "linear     all      best  ", "linear     25 %     last  ", "finetune   25 %     last  ", "finetune   all      last  ",
			"scratch: batch 64, crop 0.5 to 1 of the image, ",
		} {
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("have exit code %d, %s, %s; want %q", code, stdout, stderr, want)
			}
		}
		code, again, _ := selfstream(t, append(ask, "--json")...)
		var reports []schemas.Report
		if err := json.Unmarshal([]byte(again), &reports); code != 0 || err != nil || len(reports) != 8 {
			t.Fatalf("have exit code %d, %v and %s, want 8 reports", code, err, again)
		}
		for _, r := range reports {
			if p := s.Probes[len(s.Probes)-1]; r.Step == s.Steps && r.Probe == "linear" && r.Labels == 0 && r.Value != *p.LinearTop1 {
				t.Errorf("have %g for the last snapshot, the evaluator has %g", r.Value, *p.LinearTop1)
			}
		}
		if _, stdout, _ := selfstream(t, "report", "--state", state, s.Run, "--csv"); !strings.Contains(stdout, s.Run+",15,evaluation finetune labels 0.25,") {
			t.Errorf("have %s, want the evaluation as CSV", stdout)
		}
	})
	t.Run("verify", func(t *testing.T) {
		code, stdout, stderr := selfstream(t, "verify", "--state", state, s.Run)
		if code != 0 || !strings.Contains(stdout, s.BatchesSHA256) {
			t.Errorf("have exit code %d, %s, %s; want %s", code, stdout, stderr, s.BatchesSHA256)
		}
		key := filepath.Join(state, "s3", "datasets", "photos", "train", "rings", "0000.png")
		photo, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		// In place of the link, so that the photo itself stays.
		if err := errors.Join(os.Remove(key), os.WriteFile(key, png100k(t), 0o644)); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := selfstream(t, "verify", "--state", state, s.Run); code != exitFailed || !strings.Contains(stderr, "trained on other batches") {
			t.Errorf("after a photo has changed: have exit code %d, %s", code, stderr)
		}
		if err := os.WriteFile(key, photo, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("again", func(t *testing.T) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := selfstream(t, args...); code != 0 {
			t.Fatalf("have exit code %d: %s", code, stderr)
		}
		if again := readSummary(t, file); again.WeightsSHA256 != s.WeightsSHA256 || again.Seconds != s.Seconds {
			t.Errorf("have %+v, want the finished run %+v", again, s)
		}
	})
	t.Run("other settings under its name", func(t *testing.T) {
		code, _, stderr := selfstream(t, small(state, "--data", dir, "--until-done", "--name", s.Run, "--seed", "2")...)
		if code != exitFailed || !strings.Contains(stderr, "exists with other settings; choose another --name") {
			t.Errorf("have exit code %d: %s", code, stderr)
		}
		if _, stdout, _ := selfstream(t, "runs", "--state", state, s.Run); !strings.Contains(stdout, "finished") {
			t.Errorf("have %s, want the run as it was", stdout)
		}
	})
	t.Run("continued", func(t *testing.T) {
		state := t.TempDir()
		file := filepath.Join(state, "summary.json")
		args := small(state, "--data", dir, "--until-done", "--summary", file, "--augmenters", "3")
		for _, word := range []string{"step 0: ", "step 4: "} {
			interrupt(t, word, args)
		}
		if code, stdout, stderr := selfstream(t, args...); code != 0 {
			t.Fatalf("have exit code %d\n%s\n%s", code, stdout, stderr)
		}
		again := readSummary(t, file)
		if again.BatchesSHA256 != s.BatchesSHA256 || again.WeightsSHA256 != s.WeightsSHA256 {
			t.Errorf("stopped twice, with three augmenters: have digests %s and %s, want %s and %s",
				again.BatchesSHA256, again.WeightsSHA256, s.BatchesSHA256, s.WeightsSHA256)
		}
	})
}

// checkStages holds the stages of TestUp's run against each other.
func checkStages(t *testing.T, s *ledger.Stages) {
	t.Helper()
	if s == nil || s.Evaluator == nil {
		t.Fatalf("have stages %+v, want all", s)
	}
	a, tr, e := s.Augmenters, s.Trainer, s.Evaluator
	for name, sum := range map[string]float64{
		"augmenters": a.SplitWaitShare + a.FileWaitShare + a.RenderShare + a.PublishShare,
		"trainer":    tr.WaitShare + tr.StepShare + tr.SnapshotShare,
	} {
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("%s: have shares that sum up to %g, want 1", name, sum)
		}
	}
	for name, v := range map[string]float64{
		"rate of augmenters": a.ImagesPerSecond, "rate of a worker": a.WorkerPerSecond, "busy workers": a.Busy, "workers wanted": a.Wanted,
		"rate of the trainer": tr.ImagesPerSecond, "seconds per snapshot": e.SecondsPerSnapshot, "busy evaluators": e.BusyShare,
	} {
		if v <= 0 {
			t.Errorf("%s: have %g, want more than 0", name, v)
		}
	}
	if a.Busy > a.Workers || a.Holes != 3 || s.Feed.CreditBytes != 64<<20 || s.Feed.Refused != 0 {
		t.Errorf("have %+v", s)
	}
	if e.Probed != 5 || e.Waiting != 0 || e.Skipped != 0 {
		t.Errorf("have %+v, want all 5 snapshots probed", e)
	}
}

// interrupt runs the program until it writes word, as Ctrl-C would.
func interrupt(t *testing.T, word string, args []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &trap{word: word, sprung: stop}
	var stderr bytes.Buffer
	if code := run(ctx, args, out, &stderr); code != 0 {
		t.Fatalf("interrupted at %q: have exit code %d\n%s\n%s", word, code, out.String(), stderr.String())
	}
}

// trap is a writer that calls sprung when it sees a word.
type trap struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	word   string
	sprung func()
}

func (w *trap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if strings.Contains(w.buf.String(), w.word) {
		w.sprung()
	}
	return len(p), nil
}

func (w *trap) String() string { w.mu.Lock(); defer w.mu.Unlock(); return w.buf.String() }

// TestUpRefuses are datasets that no run can be made of.
func TestUpRefuses(t *testing.T) {
	one := t.TempDir()
	for _, png := range scenes.All(1, 1, 0) {
		if err := os.WriteFile(filepath.Join(one, "a.png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
		break
	}
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"an empty folder", []string{"--data", t.TempDir()}, "no files"},
		{"one image", []string{"--data", one}, "fewer than two"},
		{"a batch above the dataset", []string{"--data", photos(t, 1, nil), "--batch", "64"}, "choose a --batch of at most 10"},
		{"labels that there are not", []string{"--data", one, "--method", "supervised"}, "method supervised learns from labels, and it has none"},
		{"a tail of no classes", []string{"--data", one, "--long-tail", "10"}, "put them into one folder per class"},
		{"an unknown dataset", []string{"--dataset", "nowhere"}, "nowhere"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := []string{"up", "--state", t.TempDir(), "--nats-port", "0", "--s3-port", "0", "--http-port", "0", "--backend", "go", "--until-done"}
			code, stdout, stderr := selfstream(t, append(args, tc.args...)...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if last := lines[len(lines)-1]; code != exitFailed || !strings.Contains(last, tc.want) {
				t.Errorf("have exit code %d, %q, want %d and %q\n%s", code, last, exitFailed, tc.want, stdout)
			}
		})
	}
}

// TestUpStoppedEarly: who stops it before the run begins is told so.
func TestUpStoppedEarly(t *testing.T) {
	var out bytes.Buffer
	s := new(upSettings)
	if err := s.conclude(t.Context(), &env{stdout: &out}, ledger.New(new(bucket.Memory)), "later"); err != nil {
		t.Fatal(err)
	}
	if want := "later had not begun"; !strings.Contains(out.String(), want) {
		t.Errorf("have %q, want %q in it", &out, want)
	}
}
