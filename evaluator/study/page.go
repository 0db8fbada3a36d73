package study

import (
	_ "embed" // of the page
	"fmt"
	"html/template"
	"io"
	"math"

	"selfstream/stages/chart"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("study").Parse(page))

// WritePage writes the tables and the charts as one HTML file, which needs no
// other.
func (r *Results) WritePage(w io.Writer) error {
	err := pageTemplate.Execute(w, map[string]any{
		"Name": r.Name, "Dataset": r.Dataset, "About": r.About, "Style": template.CSS(chart.Style),
		"Charts": r.charts(), "Tables": []Table{r.Table(), r.VerdictTable()}, "Caption": r.caption(),
	})
	if err != nil {
		return fmt.Errorf("writing study %s: %w", r.Name, err)
	}
	return nil
}

// drawn is a chart with its name.
type drawn struct {
	Name string
	SVG  template.HTML
}

func (r *Results) charts() (all []drawn) {
	for _, reading := range r.Readings {
		if !reading.Drawn {
			continue
		}
		draw := r.bars
		if r.X != "" {
			draw = r.lines
		}
		all = append(all, drawn{reading.Name, draw(reading)})
	}
	return all
}

// bars are the means of all arms.
func (r *Results) bars(reading Reading) template.HTML {
	b := chart.Bars{Title: reading.Name, Percent: reading.Kind == Percent}
	for _, arm := range r.Arms {
		figures := r.figures(arm.Name, reading.Name)
		if len(figures) == 0 {
			continue
		}
		mean, std := spread(figures)
		bar := chart.Bar{Name: arm.Name, Value: mean, Mark: math.NaN()}
		if len(figures) > 1 {
			bar.Note = "± " + number(std, reading.Kind)
		}
		b.Bars = append(b.Bars, bar)
	}
	return b.SVG()
}

func number(x float64, kind Kind) string {
	if kind == Percent {
		return fmt.Sprintf("%.1f", 100*x)
	}
	return fmt.Sprintf("%.2g", x)
}

// lines are the means of all arms, along their X.
func (r *Results) lines(reading Reading) template.HTML {
	l := chart.Lines{Title: reading.Name, X: chart.Axis{Label: r.X}, Y: chart.Axis{Label: reading.Name, Percent: reading.Kind == Percent}, Dots: true}
	places := map[string]int{}
	for _, arm := range r.Arms {
		i, there := places[arm.Line]
		if !there {
			i = len(l.Series)
			places[arm.Line] = i
			l.Series = append(l.Series, chart.Series{Name: arm.Line})
		}
		mean, _ := spread(r.figures(arm.Name, reading.Name))
		l.Series[i].Points = append(l.Series[i].Points, chart.Point{X: arm.X, Y: mean})
	}
	return l.SVG()
}
