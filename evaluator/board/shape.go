package board

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"selfstream/evaluator"
	"selfstream/evaluator/exhibit"
	"selfstream/schemas"
	"selfstream/stages/chart"
)

// Correlation is how the dimensions of the embedding go together between two
// views; nil for methods without two.
func (v *view) Correlation() *figure {
	h := chart.Heat{Title: "Cross-correlation of the embedding between two views"}
	for _, x := range []*exhibit.Exhibit{v.untrained, v.now} {
		if x != nil && len(x.Correlation) > 0 {
			side := int(math.Round(math.Sqrt(float64(len(x.Correlation)))))
			h.Panels = append(h.Panels, chart.Panel{Name: v.stepName(x.Step), Side: side, Values: x.Correlation})
		}
	}
	if len(h.Panels) == 0 {
		return nil
	}
	f := &figure{ID: "correlation", Name: h.Title, Protocol: v.protocols("invariance", "redundancy")}
	f.Note = fmt.Sprintf("%d dimensions. Where distortions change nothing, the diagonal is 1; where no two dimensions say the same, the rest is 0. Barlow Twins pulls both there.", h.Panels[len(h.Panels)-1].Side)
	if d, r := v.report("invariance"), v.report("redundancy"); d != nil && r != nil {
		f.Note += fmt.Sprintf(" At step %d the diagonal is %.2f on average, and the rest ±%.2f.", d.Step, d.Value, r.Value)
	}
	h.Description = f.Note
	f.SVG = h.SVG()
	return f
}

// measured is a probe whose value is drawn over steps.
type measured struct {
	probe, name, note string
	rule, ruleName    string // a constant of its reports to compare with
	share             bool   // an accuracy
}

var measures = []measured{
	{evaluator.Pretext, "The method's own question", "How often it is answered right for images that were not trained on.", "chance", "guessing", true},
	{"rankme", "Dimensions in use (RankMe)", "The effective rank of the features of the last stage. Few dimensions say little.", "", "", false},
	{"std", "Spread of the features", "Their mean standard deviation over images, at length 1. None at all is collapse.", "even_on_the_sphere", "even", false},
	{"alignment", "Alignment", "The mean squared distance between the features of two views of an image, at length 1: 0 where distortions change nothing.", "", "", false},
	{"uniformity", "Uniformity", "How evenly the features lie on the sphere: the lower the more evenly, 0 where all are the same.", "even_on_the_sphere", "even", false},
	{"invariance", "Invariance of the embedding", "The mean of the diagonal of the cross-correlation between two views: 1 where distortions change nothing.", "", "", false},
	{"redundancy", "Redundancy of the embedding", "The root mean square of the rest of that matrix: 0 where no two dimensions say the same.", "noise", "noise", false},
}

// Figures are the probes of the shape of the features and of the method's own
// question, over steps; those that are not known by name come last.
func (v *view) Figures() []*figure {
	known := slices.Clone(measures)
	for _, r := range v.Reports {
		if !slices.ContainsFunc(known, func(m measured) bool { return m.probe == r.Probe }) && !slices.Contains(shownElsewhere, r.Probe) {
			known = append(known, measured{probe: r.Probe, name: capital(strings.ReplaceAll(r.Probe, "_", " "))})
		}
	}
	var all []*figure
	for _, m := range known {
		if f := v.measured(m); f != nil {
			all = append(all, f)
		}
	}
	return all
}

// shownElsewhere are probes with figures of their own.
var shownElsewhere = []string{"linear", "knn", evaluator.Balance, evaluator.Skipped}

func (v *view) measured(m measured) *figure {
	l := chart.Lines{
		X: chart.Axis{Label: "step", From: 0, To: float64(v.StepsPlanned)}, Y: chart.Axis{Label: strings.ReplaceAll(m.probe, "_", " "), Percent: m.share}, Dots: true,
	}
	var last *schemas.Report
	var s chart.Series
	for i, r := range v.Reports {
		if r.Probe == m.probe {
			s.Points = append(s.Points, chart.Point{X: float64(r.Step), Y: r.Value})
			last = &v.Reports[i]
		}
	}
	if last == nil {
		return nil
	}
	l.Series = []chart.Series{s}
	var y float64
	if _, err := fmt.Sscan(last.Constants[m.rule], &y); err == nil {
		l.Rules = []chart.Rule{{Name: m.ruleName, Y: y}}
	}
	f := lines("probe-"+m.probe, m.name, m.note, l)
	f.Protocol = v.protocol(m.probe)
	return f
}
