package evaluator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"selfstream/schemas"
)

// exam makes one of the reports about a snapshot.
type exam struct {
	name    string // of the probe
	examine func(context.Context, *candidate) (schemas.Report, error)
}

// examsFor lists what a snapshot is examined in, by what its run has images
// for. Last knows which comes last.
func examsFor(s selection) []exam {
	var exams []exam
	if s.labelled() {
		for _, p := range classifiers {
			exams = append(exams, exam{p.Name(), func(ctx context.Context, c *candidate) (schemas.Report, error) { return c.classify(ctx, p) }})
		}
		exams = append(exams, exam{Balance, func(ctx context.Context, c *candidate) (schemas.Report, error) { return c.balance(ctx) }})
	}
	if len(s.Unseen) > 0 {
		exams = append(exams, exam{Pretext, func(ctx context.Context, c *candidate) (schemas.Report, error) { return c.pretext(ctx) }})
	}
	for _, p := range s.figures() {
		exams = append(exams, exam{p.Name(), func(ctx context.Context, c *candidate) (schemas.Report, error) { return c.measure(ctx, p) }})
	}
	return exams
}

// figures are those that there is something to look at for.
func (s selection) figures() (all []Probe) {
	if len(s.Paired) > 0 {
		all = append(all, figuresOfPairs...)
		if s.Twins {
			all = append(all, figuresOfTwins...)
		}
	}
	return append(all, figures...)
}

// candidate is a snapshot at its exams.
type candidate struct {
	*evaluator
	snapshot schemas.Snapshot
	chosen   selection
	stages   []stage // made for the first exam that needs them
	first    bool    // the exam is the first one

	everything bool   // look at all stages
	foreign    string // dataset that the images are of, if it is not the run's own
}

// stage is one stage of the snapshot's encoder.
type stage struct {
	name string
	Task
}

// sit takes an exam, and keeps the report.
func (c *candidate) sit(ctx context.Context, x exam) (schemas.Report, error) {
	begun := time.Now()
	r, err := x.examine(ctx, c)
	if err != nil {
		return r, err
	}
	c.sign(&r, x.name, begun)
	return r, c.ledger.WriteReport(ctx, r)
}

// sign says what a report is about, and what it took.
func (c *candidate) sign(r *schemas.Report, probe string, begun time.Time) {
	r.Run, r.Step, r.Final, r.Probe = c.snapshot.Run, c.snapshot.Step, c.snapshot.Final, probe
	r.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
}

// classify has a probe judge the stages, each on its own. The report is that of
// the last one, with the values of all.
func (c *candidate) classify(ctx context.Context, p Probe) (schemas.Report, error) {
	stages, err := c.features(ctx)
	if err != nil {
		return schemas.Report{}, err
	}
	var values []schemas.StageValue
	var last Verdict
	for _, s := range stages {
		if last, err = verdict(ctx, p, s.Task); err != nil {
			return schemas.Report{}, err
		}
		values = append(values, schemas.StageValue{Stage: s.name, Value: last.Value, HeldOut: last.HeldOut})
	}
	if err := c.show(ctx, stages[len(stages)-1].Task, last); err != nil {
		return schemas.Report{}, err
	}
	r := c.report(last)
	if len(values) > 1 {
		r.Stages = values
	}
	return r, nil
}

// measure has a figure judge the last stage.
func (c *candidate) measure(ctx context.Context, p Probe) (schemas.Report, error) {
	stages, err := c.features(ctx)
	if err != nil {
		return schemas.Report{}, err
	}
	last := stages[len(stages)-1].Task
	v, err := verdict(ctx, p, last)
	if err != nil {
		return schemas.Report{}, err
	}
	return c.report(v), c.show(ctx, last, v)
}

func verdict(ctx context.Context, p Probe, t Task) (Verdict, error) {
	v, err := p.Judge(ctx, t)
	if err != nil {
		err = hopeless(ctx, fmt.Errorf("%s: %w", p.Name(), err))
	}
	return v, err
}

// report is what all probes of features have to say.
func (c *candidate) report(v Verdict) schemas.Report {
	r := schemas.Report{
		Value: v.Value, PerClass: v.PerClass, Constants: v.Constants, Train: v.Train, Test: v.Test,
		Note: c.images.note(),
	}
	if r.Constants == nil {
		r.Constants = map[string]string{}
	}
	r.Constants["image_size"] = strconv.Itoa(c.images.train.size)
	if v.Test > 0 {
		r.Constants["test_images"] = c.images.of.TestFrom
	}
	return r
}
