// Package study turns some runs into a table of what their reports say, and
// into verdicts on what was claimed before them.
//
// A study is a value: which runs, what is read of each, and what is claimed. This
// file says what that is; Fixed and Imbalance are those there are.
package study

import (
	"math"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
)

// Study is a question that some runs answer.
type Study struct {
	Name     string
	About    string            // the question, in a sentence
	Flags    map[string]string // of all its runs, as of selfstream up; an arm's and then a person's go before
	Arms     []Arm
	Asks     *evaluator.Inquiry // what each run is probed for besides; its Run is filled in. nil: nothing
	Readings []Reading          // columns of the table
	Claims   []Claim
	X        string // what an arm's X is; empty where arms are bars
}

// Arm is one way of training, tried with several seeds.
type Arm struct {
	Name  string
	Flags []string // as of selfstream up, such as "--method=byol"; they go before the study's

	// In a chart of lines, which one, and where on it.
	Line string
	X    float64
}

// Reading is a figure that a run's reports and metrics have.
type Reading struct {
	Name  string
	Kind  Kind
	Drawn bool // in a chart, besides the table

	// Of is the figure of a finished run; NaN where it has none.
	Of func(*history.Run) float64
}

// Kind is how a figure is written.
type Kind int

// Kinds of figures.
const (
	Number Kind = iota
	Percent
	YesNo // 1 or 0, and in all how many of the runs
)

// Claim is something that was said of arms before they were run.
type Claim struct {
	Says string
	Kind Kind // of the margin: Number or Percent

	// Margin is by how much it is so for the runs of one seed, given their
	// figures: it holds where that is above 0. NaN: nothing can be said.
	Margin func(v Figures) float64
}

// Figures are those of the runs of one seed.
type Figures func(arm, reading string) float64

// more claims that a reading of one arm is above that of another.
func more(says string, kind Kind, reading, arm, than string) Claim {
	return Claim{says, kind, func(v Figures) float64 { return v(arm, reading) - v(than, reading) }}
}

// Results are the runs of a study.
type Results struct {
	Study
	Dataset string
	Seeds   []uint64
	Runs    map[string][]*history.Run // of each arm, by the place of the seed; nil: it did not finish
}

// figure is that of one run. An arm or a reading that there is not is a mistake
// in the catalogue.
func (r *Results) figure(arm, reading string, seed int) float64 {
	runs, ok := r.Runs[arm]
	if !ok {
		panic("study " + r.Name + " has no arm " + arm)
	}
	for _, known := range r.Readings {
		switch {
		case known.Name == reading && runs[seed] == nil:
			return math.NaN()
		case known.Name == reading:
			return known.Of(runs[seed])
		}
	}
	panic("study " + r.Name + " has no reading " + reading)
}

// figures are those of an arm that are there.
func (r *Results) figures(arm string, reading string) (all []float64) {
	for seed := range r.Seeds {
		if x := r.figure(arm, reading, seed); !math.IsNaN(x) {
			all = append(all, x)
		}
	}
	return all
}

// Verdict is what the runs say of a claim.
type Verdict struct {
	Claim
	Margins []float64 // of the seeds of which anything can be said
	Holds   int       // of them
}

// Verdicts judges all claims.
func (r *Results) Verdicts() []Verdict {
	var all []Verdict
	for _, c := range r.Claims {
		v := Verdict{Claim: c}
		for seed := range r.Seeds {
			margin := c.Margin(func(arm, reading string) float64 { return r.figure(arm, reading, seed) })
			if math.IsNaN(margin) {
				continue
			}
			v.Margins = append(v.Margins, margin)
			if margin > 0 {
				v.Holds++
			}
		}
		all = append(all, v)
	}
	return all
}

// Word is the verdict in a word.
func (v Verdict) Word() string {
	switch {
	case len(v.Margins) == 0:
		return "not tried"
	case v.Holds == len(v.Margins):
		return "holds"
	case v.Holds == 0:
		return "fails"
	}
	return "mixed"
}

// spread are the mean of some values and their standard deviation as a sample.
// There is no mean of none, and no deviation of one: NaN.
func spread(values []float64) (mean, std float64) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		std += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(std / (n - 1))
}
