package chart

import (
	"html/template"
	"math"
)

// Bars compares named values, one row each.
type Bars struct {
	Title       string
	Description string
	Percent     bool // values are shares of 1, and bars reach from 0 to 1
	Bars        []Bar
}

// Bar is one row.
type Bar struct {
	Name  string
	Value float64
	Note  string  // behind the value, such as a count
	Mark  float64 // a value to compare with, drawn as a line; NaN: none
}

const barHeight = 18.

// SVG draws the chart.
func (b Bars) SVG() template.HTML {
	var s svg
	names, notes, top := 0.0, 0.0, 0.0
	for _, bar := range b.Bars {
		names, notes = max(names, lengthOf(bar.Name)), max(notes, lengthOf(b.text(bar)))
		top = max(top, bar.Value, finite(bar.Mark))
	}
	if b.Percent {
		top = 1
	}
	names = min(names, 150)
	left, right := names+gap+2, Width-notes-gap-2
	unit := max(right-left, 20) / max(top, 1e-12)
	for i, bar := range b.Bars {
		y := float64(i)*barHeight + 2
		middle := y + barHeight/2 + 3
		s.add(`<text class="tick" x="%v" y="%v" text-anchor="end">%v</text>`, left-gap, middle, shorten(bar.Name, names))
		s.add(`<rect class="bar" x="%v" y="%v" width="%v" height="%v"/>`, left, y+1, max(0, finite(bar.Value))*unit, barHeight-4)
		if !math.IsNaN(bar.Mark) {
			s.add(`<path class="against" d="M%v %vv%v"/>`, left+bar.Mark*unit, y-1, barHeight)
		}
		s.add(`<text class="tick" x="%v" y="%v">%v</text>`, right+gap, middle, b.text(bar))
	}
	return s.finish(float64(len(b.Bars))*barHeight+4, b.Title, b.Description)
}

func (b Bars) text(bar Bar) string {
	text := number(bar.Value)
	if b.Percent {
		text = number(math.Round(1000*bar.Value)/10) + " %"
	}
	if bar.Note != "" {
		text += " " + bar.Note
	}
	return text
}

// finite is x, or 0 if that is no number.
func finite(x float64) float64 {
	if !isFinite(x) {
		return 0
	}
	return x
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
