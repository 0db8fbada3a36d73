package board

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/chart"
)

// asked is what was asked for on the images of one dataset.
type asked struct {
	Name      string
	Figure    *figure
	Protocols []history.Protocol
}

// Asked is what selfstream evaluate has said of the run, its own images first.
func (v *view) Asked() []asked {
	byDataset := map[string][]schemas.Report{}
	var names []string
	for _, r := range v.Evaluations {
		if byDataset[r.Dataset] == nil {
			names = append(names, r.Dataset)
		}
		byDataset[r.Dataset] = append(byDataset[r.Dataset], r)
	}
	slices.Sort(names)
	var all []asked
	for _, name := range names {
		reports := byDataset[name]
		a := asked{Name: "On its own images, " + v.Dataset, Protocols: history.Protocols(reports)}
		if name != "" {
			a.Name = "On other images, " + name
		}
		a.Figure = answered(cmp.Or(name, "own"), history.Verdicts(reports))
		all = append(all, a)
	}
	return all
}

// Text is how it was made.
func (a asked) Text(p history.Protocol) string { return protocolText(p) }

// answered draws verdicts, of the last and of the best stage, and lists all.
func answered(id string, verdicts []history.Verdict) *figure {
	b := chart.Bars{Title: "Top-1 accuracy of probes that were asked for", Percent: true}
	f := &figure{
		ID: "asked-" + id, Name: "Top-1 accuracy on held-out images", Open: true,
		Note:  "The lines are the untrained encoder; those of finetune are weights drawn at random that learn by the same steps. Of repeats with different seeds: mean (least–largest).",
		Table: table{Head: []string{"probe", "labels", "stage", "untrained", "trained", "points"}},
	}
	for _, q := range verdicts {
		points := ""
		if q.Untrained != nil && q.Trained != nil {
			points = fmt.Sprintf("%+.1f", 100*(q.Trained.Top1-q.Untrained.Top1))
		}
		f.Table.Rows = append(f.Table.Rows, []string{probeText(q), q.LabelsText(), q.Stage, q.Untrained.String(), q.Trained.String(), points})
		if q.Trained == nil || q.Stage != history.LastStage && q.Stage != history.BestStage {
			continue
		}
		bar := chart.Bar{Name: q.Probe, Value: q.Trained.Top1, Mark: math.NaN()}
		switch {
		case q.Stage == history.BestStage:
			bar.Name += ", best stage"
		case q.Labels > 0 || q.Probe == evaluator.FineTuned:
			bar.Name += ", " + q.LabelsText() + " of labels"
		}
		if q.Untrained != nil {
			bar.Mark = q.Untrained.Top1
		}
		b.Bars = append(b.Bars, bar)
	}
	if len(b.Bars) > 0 {
		f.SVG = b.SVG()
	}
	return f
}

// probeText names the probe of a verdict with what tells it from others.
func probeText(q history.Verdict) string {
	s := q.Probe
	if q.Steps != "" {
		s += fmt.Sprintf(", %s steps at %s", q.Steps, q.Rate)
	}
	if q.Repeats > 1 {
		s += fmt.Sprintf(", %d seeds", q.Repeats)
	}
	if q.Step > 0 {
		s += fmt.Sprintf(", step %d", q.Step)
	}
	return s
}
