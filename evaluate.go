package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"selfstream/evaluator"
	"selfstream/schemas"
)

func runEvaluate(ctx context.Context, e *env, args []string) error {
	o := newOptions("evaluate", "RUN", "Probes the last snapshot of a run and, to compare with, the untrained encoder: all stages; with few\n"+
		"labels; fine-tuned, and trained from scratch. The reports are kept with the run; what is there is not\n"+
		"made again. docs/evaluation.md describes the probes.")
	at := o.placeFlags()
	chosen := o.backendFlags()
	q := evaluator.Inquiry{Tuning: evaluator.DefaultFineTune()}
	probes := o.String("probes", strings.Join(evaluator.Inquirable(), ","), "`names` of the probes, the last ones the dearest")
	labels := o.String("labels", "0.01,0.1,1", "`shares` of the labels for linear, finetune and scratch")
	o.StringVar(&q.Dataset, "dataset", "", "`name` of another dataset to probe on")
	o.IntVar(&q.Step, "step", evaluator.LastStep, "`step` of the snapshot; -1: the last")
	o.IntVar(&q.Seeds, "seeds", 3, "repeats of what draws images, weights or an order")
	o.IntVar(&q.Tuning.Steps, "tuning-steps", q.Tuning.Steps, "`batches` that finetune and scratch learn from, whatever the share of the labels")
	o.Float64Var(&q.Tuning.LearningRate, "tuning-rate", q.Tuning.LearningRate, "their learning rate at first")
	o.BoolVar(&q.Again, "again", false, "make also the reports that are there")
	asJSON := o.Bool("json", false, "write the reports as JSON")
	if err := o.parse(e, args, 1); err != nil {
		return err
	}
	if q.Run = o.word(0); q.Run == "" {
		return usageError{errors.New("which run? see: selfstream runs")}
	}
	q.Probes = strings.Split(*probes, ",")
	var err error
	if q.Labels, err = numbers(*labels, decimal); err != nil {
		return usageError{fmt.Errorf("labels: %w", err)}
	}
	if err := evaluator.CheckInquiry(q); err != nil {
		return usageError{err}
	}
	backend, reason, err := chosen.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	e.log.Info("choosing a backend", "backend", reason)
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	reports := []schemas.Report{}
	err = evaluator.Evaluate(ctx, evaluator.Config{Datasets: b.datasets, Runs: b.runs, Backend: backend, Log: e.log}, q, func(r schemas.Report) {
		e.log.Info("probed", "probe", r.Probe, "step", r.Step, "labels", labelsText(r), "value", percent(&r.Value), "seconds", r.Seconds)
		reports = append(reports, r)
	})
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(e.stdout, reports)
	}
	verdicts(e.stdout, q, reports)
	return nil
}

// verdict is what a probe says of the untrained encoder and of a trained one.
type verdict struct {
	probe, labels, stage string
	untrained, trained   *float64
	before, after        string // the same as text
}

// verdicts writes the reports of an inquiry as a table, and the constants of
// each probe below.
func verdicts(w io.Writer, q evaluator.Inquiry, reports []schemas.Report) {
	if len(reports) == 0 {
		fmt.Fprintln(w, "nothing to tell")
		return
	}
	last := reports[len(reports)-1]
	fmt.Fprintf(w, "run %s, step %d, top-1 accuracy on %d held-out images", q.Run, last.Step, last.Test)
	if last.Dataset != "" {
		fmt.Fprintf(w, " of %s", last.Dataset)
	}
	fmt.Fprint(w, "\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(tw, "probe\tlabels\tstage\tuntrained\tstep %d\tdifference\n", last.Step)
	for _, v := range pairUp(reports, last.Step) {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", v.probe, v.labels, v.stage, v.before, v.after, difference(v.trained, v.untrained))
	}
	tw.Flush()
	fmt.Fprintln(w)
	protocols(w, reports)
	for _, r := range reports {
		if r.Note != "" {
			fmt.Fprintln(w, "\n"+r.Note)
			return
		}
	}
}

// pairUp puts what is said of both encoders side by side.
func pairUp(reports []schemas.Report, last int) []verdict {
	var all []verdict
	for _, r := range reports {
		for _, v := range told(r) {
			i := slices.IndexFunc(all, func(o verdict) bool { return o.probe == v.probe && o.labels == v.labels && o.stage == v.stage })
			if i < 0 {
				i = len(all)
				all = append(all, verdict{probe: v.probe, labels: v.labels, stage: v.stage, before: "–", after: "–"})
			}
			if r.Step != last || r.Probe == evaluator.Scratch {
				all[i].untrained, all[i].before = v.trained, v.after
			} else {
				all[i].trained, all[i].after = v.trained, v.after
			}
		}
	}
	return all
}

// told is what a report says of each stage, and of the best one.
func told(r schemas.Report) []verdict {
	name := r.Probe
	if name == evaluator.Scratch { // of the untrained encoder
		name = evaluator.FineTuned
	}
	one := func(stage string, value float64, text string) verdict {
		return verdict{probe: name, labels: labelsText(r), stage: stage, trained: &value, after: text}
	}
	if len(r.Stages) == 0 {
		return []verdict{one("last", r.Value, rangeText(r))}
	}
	var all []verdict
	for _, s := range r.Stages {
		all = append(all, one(s.Stage, s.Value, percent(&s.Value)))
	}
	if best, ok := r.BestStage(); ok {
		all = append(all, one("best", best.Value, percent(&best.Value)+" "+best.Stage))
	}
	return all
}

// labelsText is the share of the labels that a report is for.
func labelsText(r schemas.Report) string {
	if r.Labels == 0 {
		return "all"
	}
	return fmt.Sprintf("%.3g %%", 100*r.Labels)
}

// rangeText is the mean of the repeats, with the least and the largest.
func rangeText(r schemas.Report) string {
	text := percent(&r.Value)
	if len(r.Repeats) > 1 {
		text += fmt.Sprintf(" (%.1f–%.1f)", 100*slices.Min(r.Repeats), 100*slices.Max(r.Repeats))
	}
	return text
}

// protocols writes the constants of each probe that all of its reports share.
func protocols(w io.Writer, reports []schemas.Report) {
	var probes []string
	constants := map[string]map[string]string{}
	for _, r := range reports {
		shared, known := constants[r.Probe]
		if !known {
			probes = append(probes, r.Probe)
			shared = maps.Clone(r.Constants)
			constants[r.Probe] = shared
		}
		for name, value := range shared {
			if r.Constants[name] != value {
				delete(shared, name)
			}
		}
	}
	for _, probe := range probes {
		if len(constants[probe]) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: ", probe)
		for i, name := range sortedKeys(constants[probe]) {
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%s %s", strings.ReplaceAll(name, "_", " "), constants[probe][name])
		}
		fmt.Fprintln(w)
	}
}
