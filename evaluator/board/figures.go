package board

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/chart"
)

// deviation is the standard deviation of an accuracy measured on n images.
func deviation(accuracy float64, n int) float64 {
	return math.Sqrt(accuracy * (1 - accuracy) / float64(max(n, 1)))
}

// figure is a chart with its name, and the same as a table.
type figure struct {
	ID, Name, Note string
	Protocol       string // how its numbers were made; of several probes, a line each
	SVG            template.HTML
	Table          table
	Open           bool // the table is part of the figure
}

// table is a figure in numbers.
type table struct {
	Head []string
	Rows [][]string
}

// lines makes a figure of lines.
func lines(id, name, note string, l chart.Lines) *figure {
	l.Title = name
	f := &figure{ID: id, Name: name, Note: note, SVG: l.SVG(), Table: table{Head: []string{l.X.Label}}}
	rows := map[float64][]string{}
	for i, s := range l.Series {
		f.Table.Head = append(f.Table.Head, cmp.Or(s.Name, l.Y.Label))
		for _, p := range s.Points {
			if rows[p.X] == nil {
				rows[p.X] = slices.Repeat([]string{""}, len(l.Series))
			}
			rows[p.X][i] = cell(p.Y, l.Y.Percent)
		}
	}
	xs := slices.Sorted(maps.Keys(rows))
	for i, x := range xs {
		if i%(len(xs)/20+1) == 0 || i == len(xs)-1 {
			f.Table.Rows = append(f.Table.Rows, append([]string{fmt.Sprint(x)}, rows[x]...))
		}
	}
	return f
}

func cell(y float64, share bool) string {
	if share {
		return fmt.Sprintf("%.1f %%", 100*y)
	}
	return fmt.Sprintf("%.4g", y)
}

// series picks a value out of the metrics that have it.
func (v *view) series(name string, pick func(schemas.Metric) (float64, bool)) chart.Series {
	s := chart.Series{Name: name}
	for _, m := range v.Curve.Points {
		if y, ok := pick(m); ok {
			s.Points = append(s.Points, chart.Point{X: float64(m.Step), Y: y})
		}
	}
	return s
}

// Curves are how training goes.
func (v *view) Curves() []*figure {
	if len(v.Curve.Points) == 0 {
		return nil
	}
	steps := chart.Axis{Label: "step", From: 0, To: float64(v.StepsPlanned)}
	loss := chart.Lines{
		X: steps, Y: chart.Axis{Label: "loss"},
		Series: []chart.Series{v.series("", func(m schemas.Metric) (float64, bool) { return m.Loss, true })},
	}
	note := ""
	if c := v.Collapse(); c != nil && c.Chance > 0 {
		loss.Rules = []chart.Rule{{Name: "guessing", Y: c.Chance}}
		note = "A loss at the dashed line is that of blind guessing."
	}
	all := []*figure{
		lines("loss", "Loss", note, loss),
		lines("rate", "Learning rate", "", chart.Lines{
			X: steps, Y: chart.Axis{Label: "learning rate"},
			Series: []chart.Series{v.series("", func(m schemas.Metric) (float64, bool) { return m.LearningRate, true })},
		}),
	}
	all = append(all, v.values(steps)...)
	if v.Collapse() != nil {
		all = append(all, v.spread(steps), v.rank(steps))
	}
	return append(all, v.pace(steps))
}

// values are what the method tells besides its loss.
func (v *view) values(steps chart.Axis) []*figure {
	names := map[string]bool{}
	for _, m := range v.Curve.Points {
		for name := range m.Values {
			names[name] = true
		}
	}
	var all []*figure
	for _, name := range slices.Sorted(maps.Keys(names)) {
		label := strings.ReplaceAll(name, "_", " ")
		y := chart.Axis{Label: label}
		if strings.Contains(name, "top1") || strings.Contains(name, "accuracy") {
			y.Percent, y.To = true, 1e-3
		}
		series := v.series("", func(m schemas.Metric) (float64, bool) {
			value, ok := m.Values[name]
			return value, ok
		})
		all = append(all, lines("value-"+name, capital(label), "", chart.Lines{X: steps, Y: y, Series: []chart.Series{series}}))
	}
	return all
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// spread is the first sign of collapse.
func (v *view) spread(steps chart.Axis) *figure {
	return lines("spread", "Spread of the embedding", "A collapsed encoder has none: it gives all images the same embedding.", chart.Lines{
		X: steps, Y: chart.Axis{Label: "share of an even spread", From: 0, To: 1, Percent: true},
		Series: []chart.Series{v.series("", func(m schemas.Metric) (float64, bool) {
			if m.Collapse == nil || m.Collapse.StdIdeal == 0 {
				return 0, false
			}
			return m.Collapse.Std / m.Collapse.StdIdeal, true
		})},
	})
}

// rank is the second.
func (v *view) rank(steps chart.Axis) *figure {
	return lines("rank", "Dimensions in use", fmt.Sprintf("The effective rank of a batch's embedding, of %d dimensions (RankMe).", v.Collapse().Dim), chart.Lines{
		X: steps, Y: chart.Axis{Label: "dimensions", From: 0, To: 1},
		Series: []chart.Series{v.series("", func(m schemas.Metric) (float64, bool) {
			if m.Collapse == nil {
				return 0, false
			}
			return m.Collapse.Rank, true
		})},
	})
}

// pace is how fast it goes.
func (v *view) pace(steps chart.Axis) *figure {
	return lines("pace", "Images per second", "", chart.Lines{
		X: steps, Y: chart.Axis{Label: "images/s", From: 0, To: 1},
		Series: []chart.Series{v.series("", func(m schemas.Metric) (float64, bool) { return m.ImagesPerSecond, true })},
	})
}

// Accuracy is top-1 by step, against the untrained encoder.
func (v *view) Accuracy() *figure {
	if !v.Labelled() {
		return nil
	}
	l := chart.Lines{
		X: chart.Axis{Label: "step", From: 0, To: float64(v.StepsPlanned)}, Y: chart.Axis{Label: "top-1 accuracy", Percent: true}, Dots: true,
	}
	linear, knn := chart.Series{Name: "linear"}, chart.Series{Name: "k-NN"}
	for _, p := range v.Probes {
		if p.LinearTop1 != nil {
			linear.Points = append(linear.Points, chart.Point{X: float64(p.Step), Y: *p.LinearTop1})
		}
		if p.KNNTop1 != nil {
			knn.Points = append(knn.Points, chart.Point{X: float64(p.Step), Y: *p.KNNTop1})
		}
	}
	l.Series = []chart.Series{linear, knn}
	if first := v.First(); first != nil && first.LinearTop1 != nil {
		l.Rules = append(l.Rules, chart.Rule{Name: "untrained", Y: *first.LinearTop1})
	}
	note := "The dashed line is the linear probe on the untrained encoder."
	if p := lastLabelled(v.supervised); p != nil {
		l.Rules = append(l.Rules, chart.Rule{Name: "with labels", Y: *p.LinearTop1})
		note += fmt.Sprintf(" The dotted one is that on an encoder that learnt from all labels, run %s, at its step %d.", v.supervised.Run, p.Step)
	}
	return lines("accuracy", "Accuracy of probes on held-out images", note, l)
}

// Classes is the accuracy of each class.
func (v *view) Classes() *figure {
	r := v.report("linear")
	if r == nil || len(r.PerClass) == 0 {
		return nil
	}
	b := chart.Bars{Title: "Accuracy by class", Percent: true}
	f := &figure{ID: "classes", Name: "Accuracy by class, linear probe", Table: table{Head: []string{"class", "right", "images"}}}
	classes := slices.Clone(r.PerClass)
	slices.SortStableFunc(classes, func(a, b schemas.ClassValue) int { return -compare(a.Value, b.Value) })
	for _, c := range classes {
		b.Bars = append(b.Bars, chart.Bar{Name: c.Class, Value: c.Value, Note: fmt.Sprintf("of %d", c.Count), Mark: math.NaN()})
		f.Table.Rows = append(f.Table.Rows, []string{c.Class, cell(c.Value, true), strconv.Itoa(c.Count)})
	}
	const most = 40
	if n := len(b.Bars); n > most {
		b.Bars = slices.Concat(b.Bars[:most/2], b.Bars[n-most/2:])
		f.Note = fmt.Sprintf("The %d best and the %d worst of %d classes; the table has all.", most/2, most/2, n)
	}
	f.SVG = b.SVG()
	return f
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Depth is the accuracy of the linear probe on each stage of the encoder.
func (v *view) Depth() *figure {
	r := v.report("linear")
	if r == nil || len(r.Stages) == 0 {
		return nil
	}
	untrained := map[string]float64{}
	for _, first := range v.Reports {
		if first.Step == 0 && first.Probe == "linear" {
			for _, s := range first.Stages {
				untrained[s.Stage] = s.Value
			}
		}
	}
	b := chart.Bars{Title: "Accuracy by stage of the encoder", Percent: true}
	f := &figure{
		ID: "depth", Name: "Accuracy by stage of the encoder, linear probe", Note: "From the image to the last stage; the lines are the untrained encoder.",
		Table: table{Head: []string{"stage", "trained", "untrained"}},
	}
	for _, s := range r.Stages {
		bar, row := chart.Bar{Name: s.Stage, Value: s.Value, Mark: math.NaN()}, []string{s.Stage, cell(s.Value, true), ""}
		if y, ok := untrained[s.Stage]; ok && r.Step > 0 {
			bar.Mark, row[2] = y, cell(y, true)
		}
		b.Bars = append(b.Bars, bar)
		f.Table.Rows = append(f.Table.Rows, row)
	}
	f.SVG = b.SVG()
	return f
}
