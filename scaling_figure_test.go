package main

import (
	"fmt"
	"html/template"
	"runtime"
	"strings"

	"selfstream/stages/chart"
)

// panel is a part of the figure of BenchmarkScaling.
type panel struct {
	title string
	chart template.HTML
}

// panels are the rates over the numbers of augmenters, and what takes the cores.
func panels(size int, share float64, loads []load) []panel {
	first, last := loads[0], loads[len(loads)-1]
	measured, line := chart.Series{Name: "measured"}, chart.Series{Name: "line"}
	var cores []chart.Series
	for _, stage := range scalingStages {
		cores = append(cores, chart.Series{Name: stage})
	}
	all := chart.Series{Name: "all"}
	for _, l := range loads {
		x := float64(l.augmenters)
		measured.Points = append(measured.Points, chart.Point{X: x, Y: l.rate})
		if l.line(first) < 1.2*last.limit() {
			line.Points = append(line.Points, chart.Point{X: x, Y: l.line(first)})
		}
		for i, stage := range scalingStages {
			cores[i].Points = append(cores[i].Points, chart.Point{X: x, Y: l.busy(stage)})
		}
		all.Points = append(all.Points, chart.Point{X: x, Y: l.rate * l.sum().Seconds()})
	}
	of := fmt.Sprintf("augmenters of %g of a core", share)
	if share == 0 {
		of = "augmenters"
	}
	return []panel{
		{fmt.Sprintf("Two views of %d pixels: images per second", size), chart.Lines{
			Title: "Images per second by augmenters", X: chart.Axis{Label: of}, Y: chart.Axis{Label: "images/s"}, Dots: true,
			Series: []chart.Series{measured, line}, Rules: []chart.Rule{{Name: "cores full", Y: last.limit()}},
		}.SVG()},
		{"Cores in use", chart.Lines{
			Title: "Cores in use by stage", X: chart.Axis{Label: of}, Y: chart.Axis{Label: "cores"}, Dots: true,
			Series: append(cores, all), Rules: []chart.Rule{{Name: "the machine's", Y: float64(runtime.NumCPU())}},
		}.SVG()},
	}
}

// drawScaling puts panels side by side in twos, as a file of its own.
func drawScaling(panels []panel) []byte {
	const width, height, head = chart.Width + 20, 250, 24
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">`, 2*width, height*(len(panels)+1)/2)
	fmt.Fprintf(&s, "<style><![CDATA[%s]]></style><rect width=\"100%%\" height=\"100%%\" style=\"fill:var(--paper)\"/>\n", chart.Style)
	for i, p := range panels {
		x, y := i%2*width+10, i/2*height
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="12" font-weight="bold" style="fill:var(--ink)">%s</text>`+"\n", x, y+16, template.HTMLEscapeString(p.title))
		s.WriteString(strings.Replace(string(p.chart), "<svg ", fmt.Sprintf(`<svg x="%d" y="%d" width="%d" height="220" `, x, y+head, chart.Width), 1))
	}
	s.WriteString("</svg>\n")
	return []byte(s.String())
}
