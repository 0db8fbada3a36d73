package study

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// withLinear is a finished run with that accuracy, from one of 0.5.
func withLinear(accuracy float64) *history.Run {
	before := 0.5
	return &history.Run{Summary: history.Summary{Probes: []history.Probed{
		{Step: 0, LinearTop1: &before},
		{Step: 9, LinearTop1: &accuracy, Loss: 2, Balance: map[string]float64{"std": 0.25}},
	}}}
}

// example has two arms, three seeds, and a run that did not finish.
func example() *Results {
	return &Results{
		Study: Study{
			Name: "example", About: "Is a better than b?",
			Arms:     []Arm{{Name: "a", Line: "l", X: 0}, {Name: "b", Line: "l", X: 1}},
			Readings: []Reading{linear, untrained, balanced("std", "std", Percent), loss, rank, warned},
			Claims: []Claim{
				more("a beats b", Percent, "linear", "a", "b"),
				more("b beats a", Percent, "linear", "b", "a"),
				{"a is above 0.65", Percent, func(v Figures) float64 { return v("a", "linear") - 0.65 }},
				more("b uses more dimensions", Number, rank.Name, "b", "a"),
			},
		},
		Dataset: "d", Seeds: []uint64{1, 2, 5},
		Runs: map[string][]*history.Run{
			"a": {withLinear(0.6), withLinear(0.7), withLinear(0.8)},
			"b": {withLinear(0.5), nil, withLinear(0.7)},
		},
	}
}

func TestVerdicts(t *testing.T) {
	want := []struct {
		word    string
		holds   int
		margins []float64
	}{
		{"holds", 2, []float64{0.1, 0.1}}, // of the seed 2, nothing can be said
		{"fails", 0, []float64{-0.1, -0.1}},
		{"mixed", 2, []float64{-0.05, 0.05, 0.15}},
		{"not tried", 0, nil},
	}
	for i, v := range example().Verdicts() {
		same := slices.EqualFunc(v.Margins, want[i].margins, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
		if v.Word() != want[i].word || v.Holds != want[i].holds || !same {
			t.Errorf("%s: have %s, %d of %v, want %+v", v.Says, v.Word(), v.Holds, v.Margins, want[i])
		}
	}
}

func TestMarkdown(t *testing.T) {
	var text bytes.Buffer
	if err := example().WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	want := `| run | linear | untrained | std | loss | dimensions in use | warned |
| --- | --- | --- | --- | --- | --- | --- |
| a | 70.0 ± 10.0 % | 50.0 ± 0.0 % | 25.0 ± 0.0 % | 2 ± 0 | – | – |
| b | 60.0 ± 14.1 % | 50.0 ± 0.0 % | 25.0 ± 0.0 % | 2 ± 0 | – | – |

| claim | verdict | seeds | margin, by seed |
| --- | --- | --- | --- |
| a beats b | holds | 2 of 2 | +10.0, +10.0 |
| b beats a | fails | 0 of 2 | -10.0, -10.0 |
| a is above 0.65 | mixed | 2 of 3 | -5.0, +5.0, +15.0 |
| b uses more dimensions | not tried | 0 of 0 |  |

Dataset d; mean ± standard deviation over the seeds 1, 2, 5. A claim holds where its margin is above 0 for every seed.
`
	if have := text.String(); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

func TestCells(t *testing.T) {
	for _, tc := range []struct {
		figures []float64
		kind    Kind
		want    string
	}{
		{nil, Percent, "–"},
		{[]float64{0.123}, Percent, "12.3 %"},
		{[]float64{17.25}, Number, "17.2"},
		{[]float64{1, 3}, Number, "2 ± 1.4"},
		{[]float64{1, 0, 1}, YesNo, "2 of 3"},
	} {
		if have := cell(tc.figures, tc.kind); have != tc.want {
			t.Errorf("%v: have %q, want %q", tc.figures, have, tc.want)
		}
	}
}

// TestPage: both kinds of charts are drawn, and the tables are in the page.
func TestPage(t *testing.T) {
	for _, x := range []string{"", "ratio"} {
		r := example()
		r.X = x
		var page bytes.Buffer
		if err := r.WritePage(&page); err != nil {
			t.Fatal(err)
		}
		text := page.String()
		for _, want := range []string{"<h1>example on d</h1>", "<td>60.0 ± 14.1 %</td>", "<td>holds</td>", "<h2>linear</h2><svg"} {
			if !strings.Contains(text, want) {
				t.Errorf("x %q: have %s, want %q", x, text, want)
			}
		}
		if lines := strings.Contains(text, `class="line`); lines != (x != "") {
			t.Errorf("x %q: have lines: %v", x, lines)
		}
		if strings.Contains(text, "NaN") {
			t.Errorf("x %q: have NaN in %s", x, text)
		}
	}
}

// TestReadings reads a run that has everything.
func TestReadings(t *testing.T) {
	r := withLinear(0.75)
	k, best, first, right := 0.25, 0.875, 0.625, 0.125
	r.Probes[0].LinearBestTop1 = &first
	r.Probes[1].KNNTop1, r.Probes[1].LinearBestTop1, r.Probes[1].PretextTop1 = &k, &best, &right
	r.Evaluations = []schemas.Report{
		{Probe: evaluator.FineTuned, Step: 9, Labels: 0.1, Value: 0.5}, {Probe: evaluator.FineTuned, Step: 9, Labels: 0.01, Value: 0.375},
		{Probe: evaluator.Scratch, Labels: 0.1, Value: 0.25}, {Probe: evaluator.Scratch, Value: 1},
		{Probe: "linear", Labels: 0.1, Value: 0.75}, {Probe: "linear", Step: 9, Labels: 0.1, Value: 0.875},
	}
	r.Curve = ledger.Curve{Points: []schemas.Metric{
		{Step: 3, Values: map[string]float64{"v": 1}},
		{Step: 6, Values: map[string]float64{"v": 4}, Collapse: &schemas.Collapse{Rank: 7, Std: 0.1, StdIdeal: 0.2, Warnings: []string{"w"}}},
		{Step: 9, State: ledger.Finished},
	}}
	for _, tc := range []struct {
		reading Reading
		want    float64
	}{
		{linear, 0.75}, {untrained, 0.5}, {knn, 0.25}, {bestStage, 0.875}, {loss, 2}, {rank, 7}, {breath, 0.5}, {warned, 1},
		{untrainedBest, 0.625}, {pretext, 0.125}, {asked("", evaluator.FineTuned, 0.1), 0.5}, {asked("", evaluator.FineTuned, 0.01), 0.375},
		{asked("", evaluator.Scratch, 0.1), 0.25}, {asked("", "linear", 0.1), 0.875},
		{trained("v", "v"), 4}, {balanced("std", "std", Percent), 0.25},
	} {
		if have := tc.reading.Of(r); have != tc.want {
			t.Errorf("%s: have %g, want %g", tc.reading.Name, have, tc.want)
		}
		if have := tc.reading.Of(&history.Run{}); !math.IsNaN(have) && tc.reading.Name != "loss" {
			t.Errorf("%s of a run without probes: have %g, want NaN", tc.reading.Name, have)
		}
	}
}

// TestCatalogue: no study asks for an arm or a reading that it does not have.
func TestCatalogue(t *testing.T) {
	for _, s := range append(Fixed(), Imbalance([]string{"supervised", "simclr", "kcl"}, []float64{1, 100}, 500)) {
		r := &Results{Study: s, Seeds: []uint64{1}, Runs: map[string][]*history.Run{}}
		for _, arm := range s.Arms {
			if r.Runs[arm.Name] != nil {
				t.Errorf("%s: has two arms %s", s.Name, arm.Name)
			}
			r.Runs[arm.Name] = []*history.Run{withLinear(0.5)}
		}
		if len(r.Verdicts()) == 0 || s.About == "" {
			t.Errorf("%s: claims nothing, or asks nothing", s.Name)
		}
		var text bytes.Buffer
		if err := r.WriteMarkdown(&text); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("| %s | ", s.Arms[0].Name); !strings.Contains(text.String(), want) {
			t.Errorf("%s: have %s, want %q", s.Name, text.String(), want)
		}
	}
}
