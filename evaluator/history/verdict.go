package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"selfstream/evaluator"
	"selfstream/schemas"
)

// Verdict is what a probe that somebody has asked for says of an encoder and, to
// compare with, of the untrained one.
type Verdict struct {
	Question
	Step               int    // of the encoder that was trained; 0: there is no report about one
	Untrained, Trained *Value // nil where there is no report
}

// Question is what the values of a verdict have in common.
type Question struct {
	Dataset string  // whose images; empty: the run's own
	Probe   string  // with evaluator.Scratch as the untrained side of evaluator.FineTuned
	Labels  float64 // share of the labels; 0: all
	Stage   string  // of the encoder, LastStage, or BestStage
	Steps   string  // that the probe learns for; empty where it does not learn step by step
	Rate    string  // its learning rate, alike
	Repeats int     // values with different seeds; 0: there was nothing to draw
}

// Stages that have no name of their own in a question.
const (
	LastStage = "last"
	BestStage = "best" // by cross-validation on the training images
)

// Value is a probe's top-1 accuracy.
type Value struct {
	Top1      float64 // the mean of the repeats
	Low, High float64 // the least and the largest of them
	Stage     string  // that was best; empty for all questions but BestStage
}

// String is such as "50.0 % (37.5–62.5)". No value at all is a dash.
func (v *Value) String() string {
	if v == nil {
		return "–"
	}
	text := fmt.Sprintf("%.1f %%", 100*v.Top1)
	if v.Low < v.High {
		text += fmt.Sprintf(" (%.1f–%.1f)", 100*v.Low, 100*v.High)
	}
	if v.Stage != "" {
		text += " " + v.Stage
	}
	return text
}

// Accuracy is v's, or nil.
func (v *Value) Accuracy() *float64 {
	if v == nil {
		return nil
	}
	return &v.Top1
}

// Verdicts puts what reports say of the untrained encoder beside what they say
// of trained ones, in the order of the questions and then of the steps.
func Verdicts(reports []schemas.Report) []Verdict {
	var questions []Question
	untrained := map[Question]*Value{}
	trained := map[Question]map[int]*Value{}
	for _, r := range reports {
		for _, a := range answers(r) {
			if untrained[a.Question] == nil && trained[a.Question] == nil {
				questions = append(questions, a.Question)
			}
			switch {
			case r.Step == 0 || r.Probe == evaluator.Scratch:
				untrained[a.Question] = a.value
			case trained[a.Question] == nil:
				trained[a.Question] = map[int]*Value{r.Step: a.value}
			default:
				trained[a.Question][r.Step] = a.value
			}
		}
	}
	var all []Verdict
	for _, q := range questions {
		if trained[q] == nil {
			all = append(all, Verdict{Question: q, Untrained: untrained[q]})
		}
		for _, step := range slices.Sorted(maps.Keys(trained[q])) {
			all = append(all, Verdict{q, step, untrained[q], trained[q][step]})
		}
	}
	return all
}

// answer is what a report says to one question.
type answer struct {
	Question
	value *Value
}

// answers are those of each stage, and of the best one.
func answers(r schemas.Report) []answer {
	q := Question{
		Dataset: r.Dataset, Probe: r.Probe, Labels: r.Labels, Stage: LastStage,
		Steps: r.Constants["steps"], Rate: r.Constants["learning_rate"], Repeats: len(r.Repeats),
	}
	if q.Probe == evaluator.Scratch {
		q.Probe = evaluator.FineTuned
	}
	if len(r.Stages) == 0 {
		v := &Value{Top1: r.Value, Low: r.Value, High: r.Value}
		if len(r.Repeats) > 0 {
			v.Low, v.High = slices.Min(r.Repeats), slices.Max(r.Repeats)
		}
		return []answer{{q, v}}
	}
	var all []answer
	one := func(stage string, value float64, name string) {
		q.Stage = stage
		all = append(all, answer{q, &Value{Top1: value, Low: value, High: value, Stage: name}})
	}
	for _, s := range r.Stages {
		one(s.Stage, s.Value, "")
	}
	if best, ok := r.BestStage(); ok {
		one(BestStage, best.Value, best.Stage)
	}
	return all
}

// LabelsText is the share of the labels in words.
func (q Question) LabelsText() string {
	if q.Labels == 0 {
		return "all"
	}
	return fmt.Sprintf("%.3g %%", 100*q.Labels)
}

// OfEncoder tells whether it is about the encoder as a whole, and not about one
// stage among others.
func (q Question) OfEncoder() bool { return q.Stage == LastStage || q.Stage == BestStage }

// Protocol is what all reports of a probe have in common of how they were made.
type Protocol struct {
	Probe       string
	Constants   map[string]string
	Train, Test int // images; 0 where they differ
}

// Protocols are those of some reports, in the order in which the probes are met.
func Protocols(reports []schemas.Report) []Protocol {
	var all []Protocol
	for _, r := range reports {
		i := slices.IndexFunc(all, func(p Protocol) bool { return p.Probe == r.Probe })
		if i < 0 {
			all = append(all, Protocol{r.Probe, maps.Clone(r.Constants), r.Train, r.Test})
			continue
		}
		p := &all[i]
		maps.DeleteFunc(p.Constants, func(name, value string) bool { return r.Constants[name] != value })
		if p.Train != r.Train {
			p.Train = 0
		}
		if p.Test != r.Test {
			p.Test = 0
		}
	}
	return all
}

// ConstantsText is such as "k 20, similarity cosine", by name.
func (p Protocol) ConstantsText(between string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p.Constants)) {
		all = append(all, strings.ReplaceAll(name, "_", " ")+" "+p.Constants[name])
	}
	return strings.Join(all, between)
}
