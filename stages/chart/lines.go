package chart

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
)

// Lines shows how some values change with another.
type Lines struct {
	Title       string // for those who listen, such as "Loss by step"
	Description string // the same in a sentence, such as "It falls from 4.9 to 3.5."
	X, Y        Axis
	Series      []Series
	Rules       []Rule
	Dots        bool // marks each point, where there are few
	Height      float64
}

// Series is one line.
type Series struct {
	Name   string // where it ends; empty where there is but one line
	Points []Point
}

// Point is a place in a chart.
type Point struct{ X, Y float64 }

// Rule is a value to compare the lines with.
type Rule struct {
	Name string
	Y    float64
}

// SVG draws the chart.
func (l Lines) SVG() template.HTML {
	var s svg
	height := cmp.Or(l.Height, 220)
	x, y := l.scales()
	room := 0.0
	for _, name := range l.names() {
		room = max(room, lengthOf(name))
	}
	room = min(room, 110)
	x, y = s.frame(x, y, box{2, 0, Width - room - 2*gap, height})
	var labels []label
	for i, r := range l.Rules {
		at := y.at(r.Y)
		s.add(`<path class="rule r%d" d="M%v %vH%v"/>`, i%3, x.from, at, x.to)
		labels = append(labels, label{shorten(r.Name, room), "tick", at})
	}
	for i, line := range l.Series {
		marked := slices.DeleteFunc(slices.Clone(line.Points), func(p Point) bool { return !isFinite(p.Y) })
		if len(marked) == 0 {
			continue
		}
		s.add(`<path class="line %v d%d" d="%v"/>`, color(i), i%4, path(line.Points, x, y))
		last := marked[len(marked)-1]
		if !l.Dots {
			marked = marked[len(marked)-1:]
		}
		for _, p := range marked {
			s.mark(i, x.at(p.X), y.at(p.Y), 2.5)
		}
		if line.Name != "" {
			labels = append(labels, label{shorten(line.Name, room), "name t" + color(i), y.at(last.Y)})
		}
	}
	s.direct(labels, x.to+gap+2, y.to, y.from)
	return s.finish(height, l.Title, l.Description)
}

func (l Lines) names() []string {
	var all []string
	for _, s := range l.Series {
		all = append(all, s.Name)
	}
	for _, r := range l.Rules {
		all = append(all, r.Name)
	}
	return all
}

// scales takes in all values that are numbers.
func (l Lines) scales() (x, y scale) {
	var xs, ys []float64
	for _, s := range l.Series {
		for _, p := range s.Points {
			if isFinite(p.Y) {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	for _, r := range l.Rules {
		ys = append(ys, r.Y)
	}
	x = newScale(l.X, 4, xs)
	if len(xs) > 0 {
		lo, hi := slices.Min(xs), slices.Max(xs)
		if l.X.From < l.X.To {
			lo, hi = min(lo, l.X.From), max(hi, l.X.To)
		}
		x = x.exact(lo, hi)
	}
	return x, newScale(l.Y, 4, ys)
}

// path is a line through points. It breaks where a value is no number.
func path(points []Point, x, y scale) string {
	var d strings.Builder
	pen := "M"
	for _, p := range points {
		if !isFinite(p.Y) {
			pen = "M"
			continue
		}
		d.WriteString(pen + number(x.at(p.X)) + " " + number(y.at(p.Y)))
		pen = "L"
	}
	return d.String()
}

// label is a text beside the end of a line.
type label struct {
	text, class string
	at          float64
}

// direct writes labels at their heights, moved apart where they would overlap.
func (s *svg) direct(labels []label, x, top, bottom float64) {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.at, b.at) })
	for i := range labels {
		labels[i].at = max(labels[i].at, top)
		if i > 0 {
			labels[i].at = max(labels[i].at, labels[i-1].at+line)
		}
	}
	for i := len(labels) - 1; i >= 0; i-- {
		limit := bottom
		if i < len(labels)-1 {
			limit = labels[i+1].at - line
		}
		labels[i].at = min(labels[i].at, limit)
	}
	for _, l := range labels {
		s.add(`<text class="%v" x="%v" y="%v">%v</text>`, l.class, x, l.at+4, l.text)
	}
}

// mark draws the sign of the i-th series at a place.
func (s *svg) mark(i int, x, y, r float64) {
	s.add(`<path class="mark %v" d="%v"/>`, color(i), sign(classShape(i), x, y, r))
}

// sign is one of four shapes around a place.
func sign(i int, x, y, r float64) string {
	n := number
	switch i % 4 {
	case 1: // square
		return "M" + n(x-r) + " " + n(y-r) + "h" + n(2*r) + "v" + n(2*r) + "h" + n(-2*r) + "z"
	case 2: // triangle
		r *= 1.25
		return "M" + n(x) + " " + n(y-r) + "l" + n(r) + " " + n(1.8*r) + "h" + n(-2*r) + "z"
	case 3: // diamond
		r *= 1.35
		return "M" + n(x) + " " + n(y-r) + "l" + n(r) + " " + n(r) + "l" + n(-r) + " " + n(r) + "l" + n(-r) + " " + n(-r) + "z"
	}
	return "M" + n(x-r) + " " + n(y) + "a" + n(r) + " " + n(r) + " 0 1 0 " + n(2*r) + " 0a" + n(r) + " " + n(r) + " 0 1 0 " + n(-2*r) + " 0z"
}
