package evaluator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// Inquiry is what Evaluate is asked for.
type Inquiry struct {
	Run     string
	Step    int       // of the snapshot that is compared with the untrained encoder; LastStep: the run's last
	Dataset string    // to probe on; empty: the run's own
	Probes  []string  // some of Inquirable
	Labels  []float64 // shares of the labels for Linear, FineTuned and Scratch
	Seeds   int       // repeats of whatever draws something
	Tuning  Tuning    // of FineTuned and Scratch
	Again   bool      // make also what is kept
}

// LastStep is the run's last snapshot. It is quoted, and not the best: the test
// images would have chosen that.
const LastStep = -1

// Inquirable are the probes that Evaluate makes, in the order of their cost.
func Inquirable() []string {
	var names []string
	for _, p := range classifiers {
		names = append(names, p.Name())
	}
	return append(names, FineTuned, Scratch, SGDLinear)
}

// Evaluate makes the probes of a run that cost too much for every snapshot, or
// that look at other images: of its last snapshot and, to compare with, of the
// untrained encoder. It tells every report when it is there.
//
// Reports are kept with the run, each below a name that says what it was made
// from. So what is asked again is not made again, and an Evaluate that was
// stopped goes on where it was.
func Evaluate(ctx context.Context, cfg Config, q Inquiry, tell func(schemas.Report)) error {
	e := newEvaluator(cfg)
	steps, err := snapshot.Steps(ctx, cfg.Runs, q.Run)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		return fmt.Errorf("run %q has no snapshot; see: selfstream runs", q.Run)
	}
	last := q.Step
	if last == LastStep {
		last = steps[len(steps)-1]
	}
	if !slices.Contains(steps, last) {
		return fmt.Errorf("run %s has no snapshot of step %d, or not any more: have %v", q.Run, last, steps)
	}
	shown := []int{last}
	if last > 0 && steps[0] == 0 {
		shown = []int{0, last}
	}
	for i, step := range shown {
		c, err := e.candidate(ctx, q, step)
		if err != nil {
			return err
		}
		for _, t := range q.trials(i == 0, step == last) {
			r, err := c.try(ctx, q, t)
			if err != nil {
				return fmt.Errorf("%s of step %d of run %s: %w", t.Probe, step, q.Run, err)
			}
			tell(r)
		}
	}
	return nil
}

// trial is one report that Evaluate makes.
type trial struct {
	Probe    string
	Labels   float64 // share
	Seeds    int
	Settings any // of the probe
	make     func(context.Context, *candidate) (schemas.Report, error)
}

// trials are those of a snapshot. Training from scratch begins like the untrained
// encoder, and is reported with that.
func (q Inquiry) trials(first, last bool) (all []trial) {
	add := func(probe string, labels float64, seeds int, settings any, make func(context.Context, *candidate) (schemas.Report, error)) {
		if slices.Contains(q.Probes, probe) {
			all = append(all, trial{probe, labels, seeds, settings, make})
		}
	}
	for _, p := range classifiers {
		add(p.Name(), 1, 1, p, func(ctx context.Context, c *candidate) (schemas.Report, error) { return c.classify(ctx, p) })
	}
	for _, share := range q.Labels {
		if linear := DefaultLinear(); share < 1 {
			add(linear.Name(), share, q.Seeds, linear, func(ctx context.Context, c *candidate) (schemas.Report, error) {
				return c.fewLabels(ctx, linear, share, q.Seeds)
			})
		}
		tune := func(scratch bool) func(context.Context, *candidate) (schemas.Report, error) {
			return func(ctx context.Context, c *candidate) (schemas.Report, error) {
				return c.tune(ctx, q.Tuning, share, q.Seeds, scratch)
			}
		}
		if last {
			add(FineTuned, share, q.Seeds, q.Tuning, tune(false))
		}
		if first {
			add(Scratch, share, q.Seeds, q.Tuning, tune(true))
		}
	}
	add(SGDLinear, 1, 1, DefaultSGD(), func(ctx context.Context, c *candidate) (schemas.Report, error) {
		return c.tune(ctx, DefaultSGD(), 1, 1, false)
	})
	return all
}

// candidate is the snapshot of a step, with the images of the inquiry.
func (e *evaluator) candidate(ctx context.Context, q Inquiry, step int) (*candidate, error) {
	s := schemas.Snapshot{Run: q.Run, Step: step, Prefix: snapshot.Prefix(q.Run, step), Final: true}
	card, err := snapshot.ReadCard(ctx, e.Runs, s.Prefix)
	if err != nil {
		return nil, err
	}
	s.WeightsSHA256, s.Final = card.EncoderSHA256, card.Final
	c := &candidate{evaluator: e, snapshot: s, everything: true}
	if q.Dataset == "" || q.Dataset == card.Dataset {
		c.chosen, err = e.selection(ctx, s)
	} else {
		c.foreign = q.Dataset
		c.chosen, _, err = e.choose(ctx, q.Dataset, card.Config.ImageSize)
	}
	switch {
	case errors.Is(err, bucket.ErrNoImages):
		return nil, fmt.Errorf("%w; see: selfstream datasets ls", err)
	case err != nil:
		return nil, err
	case !c.chosen.labelled():
		return nil, fmt.Errorf("probing with dataset %s: %s", c.chosen.Dataset, c.chosen.Note)
	}
	c.chosen.Paired, c.chosen.Unseen = nil, nil // nobody asks for what takes them
	return c, nil
}

// try reads the report of a trial, or makes and keeps it.
func (c *candidate) try(ctx context.Context, q Inquiry, t trial) (schemas.Report, error) {
	document := ledger.Evaluation(c.snapshot.Step, t.Probe, c.fingerprint(t))
	var r schemas.Report
	if !q.Again {
		if there, err := c.ledger.Find(ctx, q.Run, document, &r); there || err != nil {
			return r, err
		}
	}
	begun := time.Now()
	r, err := t.make(ctx, c)
	if err != nil {
		return r, err
	}
	c.sign(&r, t.Probe, begun)
	r.Dataset = c.foreign
	if t.Labels < 1 {
		r.Labels = t.Labels
	}
	return r, c.ledger.Write(ctx, q.Run, document, r)
}

// fingerprint is that of all that decides a report.
func (c *candidate) fingerprint(t trial) string {
	text, err := json.Marshal(struct {
		Weights string
		Trial   any
		Images  selection
	}{c.snapshot.WeightsSHA256, []any{t.Probe, t.Labels, t.Seeds, t.Settings}, c.chosen})
	if err != nil {
		panic("marshalling settings of a probe: " + err.Error()) // they have no NaNs
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// CheckInquiry says what cannot be asked.
func CheckInquiry(q Inquiry) error {
	for _, p := range q.Probes {
		if !slices.Contains(Inquirable(), p) {
			return fmt.Errorf("probes: have %q, want some of %s", p, strings.Join(Inquirable(), ", "))
		}
	}
	for _, share := range q.Labels {
		if !(0 < share && share <= 1) {
			return fmt.Errorf("labels: have a share of %g, want above 0 and at most 1", share)
		}
	}
	if q.Seeds < 1 || q.Tuning.Steps < 1 {
		return fmt.Errorf("have %d seeds and %d steps of fine-tuning, want at least 1", q.Seeds, q.Tuning.Steps)
	}
	return nil
}
