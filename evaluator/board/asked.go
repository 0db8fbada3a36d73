package board

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/chart"
)

// asked is what was asked for on the images of one dataset.
type asked struct {
	Name      string
	Figure    *figure
	Table     table
	Protocols []history.Protocol
}

// Asked is what selfstream evaluate has said of the run, its own images first.
func (v *view) Asked() []asked {
	byDataset := map[string][]schemas.Report{}
	for _, r := range v.Evaluations {
		byDataset[r.Dataset] = append(byDataset[r.Dataset], r)
	}
	var all []asked
	for _, name := range slices.Sorted(maps.Keys(byDataset)) {
		reports := byDataset[name]
		slices.SortStableFunc(reports, func(a, b schemas.Report) int {
			return cmp.Compare(cmp.Or(a.Labels, 1), cmp.Or(b.Labels, 1))
		})
		verdicts := history.Verdicts(reports)
		a := asked{Name: "On its own images, " + v.Dataset, Table: verdictTable(verdicts), Protocols: history.Protocols(reports)}
		if name != "" {
			a.Name = "On other images, " + name
		}
		a.Figure = verdictFigure(cmp.Or(name, "own"), verdicts)
		all = append(all, a)
	}
	return all
}

// verdictTable lists them all.
func verdictTable(verdicts []history.Verdict) table {
	t := table{Head: []string{"probe", "labels", "stage", "step", "untrained", "trained", "points"}}
	for _, q := range verdicts {
		step, points := "", ""
		if q.Step > 0 {
			step = strconv.Itoa(q.Step)
		}
		if q.Untrained != nil && q.Trained != nil {
			points = fmt.Sprintf("%+.1f", 100*(q.Trained.Top1-q.Untrained.Top1))
		}
		t.Rows = append(t.Rows, []string{probeText(q.Question), q.LabelsText(), q.Stage, step, q.Untrained.String(), q.Trained.String(), points})
	}
	return t
}

// verdictFigure draws those of the last and of the best stage; nil where there
// are none.
func verdictFigure(id string, verdicts []history.Verdict) *figure {
	b := chart.Bars{Title: "Top-1 accuracy of probes that were asked for", Percent: true}
	for _, q := range verdicts {
		if q.Trained == nil || !q.OfEncoder() {
			continue
		}
		bar := chart.Bar{Name: q.Probe + ", " + q.LabelsText(), Value: q.Trained.Top1, Mark: math.NaN()}
		if q.Stage == history.BestStage {
			bar.Name = q.Probe + ", best stage"
		}
		if q.Untrained != nil {
			bar.Mark = q.Untrained.Top1
		}
		b.Bars = append(b.Bars, bar)
	}
	if len(b.Bars) == 0 {
		return nil
	}
	return &figure{
		ID: "asked-" + id, Name: "Top-1 accuracy by share of the labels", SVG: b.SVG(),
		Note: "The lines are the untrained encoder; those of finetune are weights drawn at random that learn for as many steps.",
	}
}

// probeText names a probe with what tells it from others.
func probeText(q history.Question) string {
	s := q.Probe
	if q.Steps != "" {
		s += fmt.Sprintf(", %s steps at %s", q.Steps, q.Rate)
	}
	if q.Repeats > 1 {
		s += fmt.Sprintf(", %d seeds", q.Repeats)
	}
	return s
}
