package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
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
		e.log.Info("probed", "probe", r.Probe, "step", r.Step, "labels", history.Question{Labels: r.Labels}.LabelsText(), "value", percent(&r.Value), "seconds", r.Seconds)
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
	for _, v := range history.Verdicts(reports) {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%v\t%v\t%s\n", v.Probe, v.LabelsText(), v.Stage, v.Untrained, v.Trained, difference(v.Trained.Accuracy(), v.Untrained.Accuracy()))
	}
	tw.Flush()
	fmt.Fprintln(w)
	for _, p := range history.Protocols(reports) {
		if len(p.Constants) > 0 {
			fmt.Fprintf(w, "%s: %s\n", p.Probe, p.ConstantsText(", "))
		}
	}
	for _, r := range reports {
		if r.Note != "" {
			fmt.Fprintln(w, "\n"+r.Note)
			return
		}
	}
}
