package history

import (
	"testing"

	"selfstream/evaluator"
	"selfstream/schemas"
)

// TestVerdictsKeepApart what was made in different ways: with another budget,
// other images, or of another snapshot.
func TestVerdictsKeepApart(t *testing.T) {
	tuned := func(step int, probe, steps string, value float64) schemas.Report {
		return schemas.Report{Step: step, Probe: probe, Value: value, Labels: 0.1, Repeats: []float64{value}, Constants: map[string]string{"steps": steps, "batch": "64"}}
	}
	knn := func(step int, dataset string, value float64) schemas.Report {
		return schemas.Report{Step: step, Probe: "knn", Value: value, Dataset: dataset}
	}
	have := Verdicts([]schemas.Report{
		tuned(0, evaluator.Scratch, "40", 0.125), tuned(0, evaluator.Scratch, "300", 0.25),
		tuned(9, evaluator.FineTuned, "300", 0.5),
		knn(0, "", 0.25), knn(9, "", 0.5), knn(20, "", 0.75), knn(0, "other", 0.125),
	})
	type row struct {
		probe, dataset, steps string
		step                  int
		untrained, trained    string
	}
	want := []row{
		{"finetune", "", "40", 0, "12.5 %", "–"},
		{"finetune", "", "300", 9, "25.0 %", "50.0 %"},
		{"knn", "", "", 9, "25.0 %", "50.0 %"},
		{"knn", "", "", 20, "25.0 %", "75.0 %"},
		{"knn", "other", "", 0, "12.5 %", "–"},
	}
	if len(have) != len(want) {
		t.Fatalf("have %d verdicts, want %d: %+v", len(have), len(want), have)
	}
	for i, v := range have {
		if h := (row{v.Probe, v.Dataset, v.Steps, v.Step, v.Untrained.String(), v.Trained.String()}); h != want[i] {
			t.Errorf("have %+v, want %+v", h, want[i])
		}
	}
}

// TestProtocols are what all reports of a probe have in common.
func TestProtocols(t *testing.T) {
	report := func(l2 string, train int) schemas.Report {
		return schemas.Report{Probe: "linear", Constants: map[string]string{"l2": l2, "max_iterations": "2000", "a": "b"}, Train: train, Test: 600}
	}
	have := Protocols([]schemas.Report{report("0.1", 24), {Probe: "knn"}, report("0.3", 240)})
	if len(have) != 2 || have[0].ConstantsText(", ") != "a b, max iterations 2000" || have[0].Train != 0 || have[0].Test != 600 {
		t.Errorf("have %+v", have)
	}
}
