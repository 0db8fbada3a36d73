package chart

import (
	"html/template"
	"strconv"
)

// Matrix shows how often each of some names was taken for each other: rows are
// what is there, columns what it was taken for.
type Matrix struct {
	Title       string
	Description string
	Rows, Cols  string // what they are, such as "true class"
	Names       []string
	Counts      [][]int // [row][column]
}

// SVG draws the chart. A cell is as strong as its share of its row.
func (m Matrix) SVG() template.HTML {
	var s svg
	n := len(m.Names)
	names := 0.0
	for _, name := range m.Names {
		names = max(names, lengthOf(name))
	}
	names = min(names, 84)
	// Names of columns rise to the right; what the axes are fits in the corner.
	left, top := max(names+gap, lengthOf(m.Cols)+4*gap), max(names*0.82, line)+line+gap
	cell := (Width - left - names*0.57) / float64(max(n, 1))
	s.add(`<text class="label" x="0" y="%v">%v</text>`, line-3, m.Cols+" →")
	s.add(`<text class="label" x="0" y="%v">%v</text>`, top-gap, m.Rows+" ↓")
	for i, name := range m.Names {
		along := (float64(i) + 0.5) * cell
		if cell >= 9 || i%int(9/cell+1) == 0 {
			s.add(`<text class="tick" x="%v" y="%v" text-anchor="end">%v</text>`, left-gap, top+along+4, shorten(name, names))
			s.add(`<text class="tick" transform="translate(%v %v) rotate(-55)">%v</text>`, left+along+2, top-gap, shorten(name, names))
		}
	}
	for i, row := range m.Counts {
		total := 0
		for _, c := range row {
			total += c
		}
		for j, c := range row {
			m.cell(&s, i, j, c, total, left+float64(j)*cell, top+float64(i)*cell, cell)
		}
	}
	return s.finish(top+float64(n)*cell+2, m.Title, m.Description)
}

func (m Matrix) cell(s *svg, i, j, count, total int, x, y, side float64) {
	share := float64(count) / float64(max(total, 1))
	class := "miss"
	if i == j {
		class = "hit"
	}
	s.add(`<g><title>%v</title><rect class="cell" x="%v" y="%v" width="%v" height="%v"/>`,
		m.Names[i]+" taken for "+m.Names[j]+": "+strconv.Itoa(count)+" of "+strconv.Itoa(total), x, y, side-1, side-1)
	if count > 0 {
		s.add(`<rect class="%v" fill-opacity="%v" x="%v" y="%v" width="%v" height="%v"/>`, class, 0.08+0.92*share, x, y, side-1, side-1)
	}
	if text := strconv.Itoa(count); count > 0 && lengthOf(text)+2 < side {
		ink := "count"
		if share > 0.5 {
			ink = "count strong"
		}
		s.add(`<text class="%v" x="%v" y="%v" text-anchor="middle">%v</text>`, ink, x+side/2-0.5, y+side/2+3.5, text)
	}
	s.add(`</g>`)
}
