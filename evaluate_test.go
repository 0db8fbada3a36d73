package main

import (
	"bytes"
	"strings"
	"testing"

	"selfstream/evaluator"
	"selfstream/schemas"
)

// TestVerdicts: what is said of the untrained encoder stands beside what is said
// of the snapshot; training from scratch beside fine-tuning. The best stage is
// the one by the training images, and not by the test.
func TestVerdicts(t *testing.T) {
	stages := func(a, b float64) []schemas.StageValue {
		return []schemas.StageValue{{Stage: "layer1", Value: a, HeldOut: 0.9}, {Stage: "layer2", Value: b, HeldOut: 0.1}}
	}
	linear := func(step int, a, b float64) schemas.Report {
		return schemas.Report{
			Step: step, Probe: "linear", Value: b, Stages: stages(a, b), Test: 600, Dataset: "other",
			Constants: map[string]string{"l2": strings.Repeat("1", step), "solver": "L-BFGS"},
		}
	}
	reports := []schemas.Report{
		linear(0, 0.5, 0.25),
		{Step: 0, Probe: evaluator.Scratch, Value: 0.5, Labels: 0.01, Repeats: []float64{0.375, 0.625}, Test: 600, Dataset: "other", Constants: map[string]string{"batch": "64"}},
		linear(9, 0.625, 0.75),
		{Step: 9, Probe: evaluator.FineTuned, Value: 0.75, Labels: 0.01, Repeats: []float64{0.75, 0.75}, Test: 600, Dataset: "other", Note: "one image is broken"},
	}
	var out bytes.Buffer
	verdicts(&out, evaluator.Inquiry{Run: "r"}, reports)
	want := `run r, step 9, top-1 accuracy on 600 held-out images of other

probe      labels   stage    untrained            step 9          difference
linear     all      layer1   50.0 %               62.5 %          +12.5
linear     all      layer2   25.0 %               75.0 %          +50.0
linear     all      best     50.0 % layer1        62.5 % layer1   +12.5
finetune   1 %      last     50.0 % (37.5–62.5)   75.0 %          +25.0

linear: solver L-BFGS
scratch: batch 64

one image is broken
`
	if have := out.String(); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

func TestVerdictsWithoutUntrained(t *testing.T) {
	var out bytes.Buffer
	verdicts(&out, evaluator.Inquiry{Run: "r"}, []schemas.Report{{Step: 9, Probe: "knn", Value: 0.5, Test: 6}})
	if have := out.String(); !strings.Contains(have, "knn     all      last    –           50.0 %   –") {
		t.Errorf("have\n%s\nwant the snapshot alone", have)
	}
	out.Reset()
	if verdicts(&out, evaluator.Inquiry{}, nil); out.String() != "nothing to tell\n" {
		t.Errorf("have %q", out.String())
	}
}
