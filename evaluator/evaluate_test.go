package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// stripes is a world with two snapshots of a run, and a dataset that it was not
// trained on.
func stripes(t *testing.T) *world {
	w := newWorld(t)
	for class, name := range []string{"across", "along", "aslant"} {
		w.draw("stripes/"+name, class, 25)
	}
	for class, name := range []string{"horizontal", "vertical"} {
		w.draw("other/train/"+name, class, 8)
		w.draw("other/val/"+name, class, 5)
	}
	w.snapshot(0, false, nil)
	w.snapshot(7, true, nil)
	return w
}

// inquiry asks for all but the dearest, with little to learn.
func inquiry() Inquiry {
	return Inquiry{
		Run: runName, Step: LastStep, Probes: []string{"linear", "knn", FineTuned, Scratch}, Labels: []float64{0.2, 1}, Seeds: 2,
		Tuning: Tuning{Optimizer: "sgd", LearningRate: 0.01, Batch: 4, Steps: 2, Crop: 0.5},
	}
}

// asked are the reports of an inquiry.
func (w *world) asked(q Inquiry) []schemas.Report {
	w.t.Helper()
	var reports []schemas.Report
	err := Evaluate(w.t.Context(), w.config(), q, func(r schemas.Report) { reports = append(reports, r) })
	if err != nil {
		w.t.Fatal(err)
	}
	return reports
}

func text(reports []schemas.Report) []string {
	var all []string
	for _, r := range reports {
		all = append(all, fmt.Sprintf("%d %s %g %d %d", r.Step, r.Probe, r.Labels, r.Train, len(r.Repeats)))
	}
	return all
}

// TestEvaluate asks for everything, of 60 images to learn from.
func TestEvaluate(t *testing.T) {
	w := stripes(t)
	q := inquiry()
	q.Probes = Inquirable()
	reports := w.asked(q)
	want := []string{ // step, probe, share of the labels, images, repeats
		"0 linear 0 60 0", "0 knn 0 60 0", "0 linear 0.2 12 2", "0 scratch 0.2 12 2", "0 scratch 0 60 2", "0 sgd 0 60 1",
		"7 linear 0 60 0", "7 knn 0 60 0", "7 linear 0.2 12 2", "7 finetune 0.2 12 2", "7 finetune 0 60 2", "7 sgd 0 60 1",
	}
	if have := text(reports); !slices.Equal(have, want) {
		t.Fatalf("have %q, want %q", have, want)
	}
	for _, r := range reports {
		if r.Test != 15 || len(r.PerClass) != 3 || r.Constants["image_size"] != "16" || r.Dataset != "" || r.Final != (r.Step == 7) {
			t.Errorf("%d %s: have %+v", r.Step, r.Probe, r)
		}
		if all := len(r.Stages) == 4; all != (r.Labels == 0 && (r.Probe == "linear" || r.Probe == "knn")) {
			t.Errorf("%d %s: have stages %v", r.Step, r.Probe, r.Stages)
		}
		sum, classes := 0., 0.
		for _, v := range r.Repeats {
			sum += v / float64(len(r.Repeats))
		}
		for _, c := range r.PerClass {
			classes += c.Value * float64(c.Count) / 15
		}
		if len(r.Repeats) > 0 && math.Abs(sum-r.Value) > 1e-9 || math.Abs(classes-r.Value) > 1e-9 {
			t.Errorf("%d %s: have %g, the mean of %v is %g, that of the classes %g", r.Step, r.Probe, r.Value, r.Repeats, sum, classes)
		}
	}
	kept, err := ledger.New(w.runs).Evaluations(t.Context(), runName)
	if err != nil || len(kept) != len(reports) {
		t.Errorf("have %d reports kept and %v, want %d", len(kept), err, len(reports))
	}
}

// TestEvaluateAgrees: the probes that an evaluator makes, too, say the same.
func TestEvaluateAgrees(t *testing.T) {
	w := stripes(t)
	w.evaluate(w.config(), 14)
	q := inquiry()
	q.Probes = []string{"linear", "knn"}
	q.Labels = nil
	for _, have := range w.asked(q) {
		for _, want := range w.kept() {
			if want.Step == have.Step && want.Probe == have.Probe && (have.Value != want.Value || !slices.Equal(have.Stages, want.Stages)) {
				t.Errorf("step %d, %s: have %g and %v, want %g and %v", have.Step, have.Probe, have.Value, have.Stages, want.Value, want.Stages)
			}
		}
	}
}

// TestEvaluateOnce: what is there is not made again, unless that is asked for or
// something is different.
func TestEvaluateOnce(t *testing.T) {
	w := stripes(t)
	puts := &countingBucket{Bucket: w.runs, puts: map[string]int{}, after: func(string) {}}
	ask := func(change func(*Inquiry)) int {
		t.Helper()
		q := inquiry()
		q.Probes = []string{"knn", FineTuned}
		change(&q)
		cfg := w.config()
		cfg.Runs = puts
		before := len(puts.puts)
		total := 0
		for _, n := range puts.puts {
			total += n
		}
		if err := Evaluate(t.Context(), cfg, q, func(schemas.Report) {}); err != nil {
			t.Fatal(err)
		}
		for _, n := range puts.puts {
			total -= n
		}
		if made := -total; made != len(puts.puts)-before && !q.Again {
			t.Errorf("have %d reports written to %d places", made, len(puts.puts)-before)
		}
		return -total
	}
	for _, tc := range []struct {
		name   string
		change func(*Inquiry)
		want   int
	}{
		{"first", func(*Inquiry) {}, 4 + 1}, // and the choice of the images
		{"the same", func(*Inquiry) {}, 0},
		{"again", func(q *Inquiry) { q.Again = true }, 4},
		{"another budget", func(q *Inquiry) { q.Tuning.Steps++ }, 2},
		{"more seeds", func(q *Inquiry) { q.Seeds++ }, 2},
		{"another share", func(q *Inquiry) { q.Labels = []float64{1, 0.5} }, 1},
		{"another dataset", func(q *Inquiry) { q.Dataset = "other" }, 4},
		{"its own by name", func(q *Inquiry) { q.Dataset = "stripes" }, 0},
	} {
		if have := ask(tc.change); have != tc.want {
			t.Errorf("%s: have %d written, want %d", tc.name, have, tc.want)
		}
	}
}

// TestEvaluateGoesOn where one that was stopped has been.
func TestEvaluateGoesOn(t *testing.T) {
	w := stripes(t)
	ctx, stop := context.WithCancel(t.Context())
	n := 0
	err := Evaluate(ctx, w.config(), inquiry(), func(schemas.Report) {
		if n++; n == 5 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) || n != 5 {
		t.Fatalf("have %d reports and %v, want 5 and %v", n, err, context.Canceled)
	}
	puts := &countingBucket{Bucket: w.runs, puts: map[string]int{}, after: func(string) {}}
	cfg := w.config()
	cfg.Runs = puts
	var reports []schemas.Report
	if err := Evaluate(t.Context(), cfg, inquiry(), func(r schemas.Report) { reports = append(reports, r) }); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 10 || len(puts.puts) != 5 {
		t.Errorf("have %d reports and %d written, want 10 and the 5 that were missing", len(reports), len(puts.puts))
	}
}

// TestEvaluateTransfer looks at images of another dataset, held out as there.
func TestEvaluateTransfer(t *testing.T) {
	w := stripes(t)
	q := inquiry()
	q.Dataset = "other"
	q.Labels = []float64{1}
	for _, r := range w.asked(q) {
		if r.Dataset != "other" || r.Train != 16 || r.Test != 10 || r.PerClass[0].Class != "horizontal" || r.Constants["test_images"] != ownTest {
			t.Errorf("%d %s: have %+v, want the 16 and 10 images of the other dataset", r.Step, r.Probe, r)
		}
		if r.Probe == "linear" && len(r.Stages) != 4 {
			t.Errorf("step %d: have stages %v, want all", r.Step, r.Stages)
		}
	}
	if len(w.kept()) != 0 {
		t.Errorf("have %v among the reports about the run's own images", w.kept())
	}
}

// TestEvaluateRefuses what cannot be, and says why.
func TestEvaluateRefuses(t *testing.T) {
	w := stripes(t)
	w.draw("unlabelled", 0, 3)
	for _, tc := range []struct {
		change func(*Inquiry)
		want   string
	}{
		{func(q *Inquiry) { q.Run = "nobody" }, `run "nobody" has no snapshot`},
		{func(q *Inquiry) { q.Step = 5 }, "no snapshot of step 5, or not any more: have [0 7]"},
		{func(q *Inquiry) { q.Dataset = "nowhere" }, "nothing lies below nowhere/"},
		{func(q *Inquiry) { q.Dataset = "unlabelled" }, "dataset unlabelled: no labels"},
	} {
		q := inquiry()
		tc.change(&q)
		err := Evaluate(t.Context(), w.config(), q, func(schemas.Report) {})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("have %v, want %q", err, tc.want)
		}
	}
}

// TestEvaluateLosesItsSnapshot in the middle: what has been told is kept.
func TestEvaluateLosesItsSnapshot(t *testing.T) {
	w := stripes(t)
	n := 0
	err := Evaluate(t.Context(), w.config(), inquiry(), func(schemas.Report) {
		if n++; n == 1 {
			w.vanish(7)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "snapshots/00000007") {
		t.Errorf("have %v, want the snapshot that is gone", err)
	}
	if kept, err := ledger.New(w.runs).Evaluations(t.Context(), runName); err != nil || len(kept) != n {
		t.Errorf("have %d reports kept and %v, want the %d that were told", len(kept), err, n)
	}
}

// vanish deletes a snapshot.
func (w *world) vanish(step int) {
	w.t.Helper()
	for _, file := range []string{"card.json", "state.safetensors", "encoder.safetensors"} {
		if err := w.runs.Delete(w.t.Context(), snapshot.Prefix(runName, step)+"/"+file); err != nil {
			w.t.Error(err)
		}
	}
}

func TestCheckInquiry(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Inquiry)
		want   string
	}{
		{"an unknown probe", func(q *Inquiry) { q.Probes = []string{"linear", "oracle"} }, `have "oracle", want some of linear`},
		{"no labels", func(q *Inquiry) { q.Labels = []float64{0} }, "a share of 0"},
		{"more than all", func(q *Inquiry) { q.Labels = []float64{1.5} }, "a share of 1.5"},
		{"no seeds", func(q *Inquiry) { q.Seeds = 0 }, "0 seeds"},
		{"no steps", func(q *Inquiry) { q.Tuning.Steps = 0 }, "0 steps"},
	} {
		q := inquiry()
		if err := CheckInquiry(q); err != nil {
			t.Fatal(err)
		}
		tc.change(&q)
		if err := CheckInquiry(q); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: have %v, want %q", tc.name, err, tc.want)
		}
	}
}
