package chart

import (
	"html/template"
	"math"
	"strconv"
)

// Scatter shows points on a plane whose axes mean nothing by themselves, such
// as a map of features. Points are told apart by colour and shape.
type Scatter struct {
	Title       string
	Description string
	X, Y        string   // what lies along the axes, or X alone: what there is to say of both
	Classes     []string // names of the points' classes, for the legend; too many have none
	Spots       []Spot
	Tiles       Tiles // pictures of the points; the zero value: there are none
}

// Spot is one point.
type Spot struct {
	X, Y   float64
	Class  int    // −1: of none
	Title  string // shown on hovering
	Ringed bool
}

// Tiles is a sheet of square pictures, of which the n-th belongs to the n-th
// spot.
type Tiles struct {
	ID      string // of the image element in the page that has them all
	Side    int    // of each, in pixels
	Columns int    // in a row
}

// SVG draws one tile by itself.
func (t Tiles) SVG(n int, title string) template.HTML {
	var s svg
	t.tile(&s, n, 0, 0, float64(t.Side))
	return s.sized("tile", float64(t.Side), float64(t.Side), title)
}

func (t Tiles) tile(s *svg, n int, x, y, side float64) {
	s.add(`<svg class="tile" x="%v" y="%v" width="%v" height="%v" viewBox="%d %d %d %d"><use href="#%v"/></svg>`,
		x, y, side, side, n%t.Columns*t.Side, n/t.Columns*t.Side, t.Side, t.Side, t.ID)
}

const (
	tileSide   = 21. // of a picture on the plane
	legendMost = 28  // classes: as many as there are pairs of a colour and a shape
)

// SVG draws the chart. Each spot is an element of class "spot" with its number
// as data-n. Pictures are shown of as many as do not cover each other.
func (c Scatter) SVG() template.HTML {
	var s svg
	const side = Width - 4
	place := c.places(box{2 + tileSide/2, 2 + tileSide/2, side - tileSide/2, side - tileSide/2})
	s.add(`<rect class="plane" x="1" y="1" width="%v" height="%v" rx="4"/>`, Width-2., side)
	shown := c.pictured(place)
	for _, pictures := range []bool{false, true} { // above the points
		for i, p := range c.Spots {
			if shown[i] == pictures {
				c.spot(&s, i, p, place[i], pictures)
			}
		}
	}
	if c.Y == "" {
		s.add(`<text class="label" x="2" y="%v">%v</text>`, side+line+2, c.X)
	} else {
		s.add(`<text class="label" x="2" y="%v">%v</text>`, side+line+2, "↑ "+c.Y)
		s.add(`<text class="label" x="%v" y="%v" text-anchor="end">%v</text>`, Width-2., side+line+2, c.X+" →")
	}
	height := c.legend(&s, side+2.4*line)
	return s.finish(height, c.Title, c.Description)
}

// places are where the spots lie, with one scale for both directions.
func (c Scatter) places(in box) [][2]float64 {
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range c.Spots {
		for d, v := range [2]float64{finite(p.X), finite(p.Y)} {
			lo[d], hi[d] = min(lo[d], v), max(hi[d], v)
		}
	}
	room := [2]float64{in.right - in.left, in.bottom - in.top}
	unit := math.Inf(1)
	for d := range room {
		if hi[d] > lo[d] {
			unit = min(unit, room[d]/(hi[d]-lo[d]))
		}
	}
	if math.IsInf(unit, 1) {
		unit = 0
	}
	all := make([][2]float64, len(c.Spots))
	for i, p := range c.Spots {
		x := (in.left+in.right)/2 + unit*(finite(p.X)-(lo[0]+hi[0])/2)
		y := (in.top+in.bottom)/2 - unit*(finite(p.Y)-(lo[1]+hi[1])/2)
		all[i] = [2]float64{x, y}
	}
	return all
}

// pictured chooses spots whose pictures do not cover each other, the first come
// first served.
func (c Scatter) pictured(place [][2]float64) []bool {
	shown := make([]bool, len(place))
	if c.Tiles.ID == "" {
		return shown
	}
	for i, p := range place {
		free := true
		for j := range i {
			if shown[j] && math.Abs(p[0]-place[j][0]) < tileSide+1 && math.Abs(p[1]-place[j][1]) < tileSide+1 {
				free = false
				break
			}
		}
		shown[i] = free
	}
	return shown
}

func (c Scatter) spot(s *svg, n int, p Spot, at [2]float64, picture bool) {
	ring := ""
	if p.Ringed {
		ring = " ringed"
	}
	s.add(`<g class="spot%v" data-n="%v"><title>%v</title>`, ring, strconv.Itoa(n), p.Title)
	if picture {
		x, y := at[0]-tileSide/2, at[1]-tileSide/2
		c.Tiles.tile(s, n, x, y, tileSide)
		s.add(`<rect class="edge %v" x="%v" y="%v" width="%v" height="%v"/>`, classColor(p.Class), x, y, tileSide, tileSide)
	} else {
		s.add(`<path class="mark %v" d="%v"/>`, classColor(p.Class), sign(classShape(p.Class), at[0], at[1], 3))
	}
	s.add(`</g>`)
}

func classColor(c int) string {
	if c < 0 {
		return color(Colors - 1)
	}
	return color(c)
}

// classShape makes 28 pairs of it and classColor.
func classShape(c int) int { return max(0, c)%Colors + max(0, c)/Colors }

// legend names the classes below the plane, and returns how high all is.
func (c Scatter) legend(s *svg, y float64) float64 {
	if len(c.Classes) == 0 || len(c.Classes) > legendMost {
		return y - line/2
	}
	wide := 0.0
	for _, name := range c.Classes {
		wide = max(wide, lengthOf(name))
	}
	columns := max(1, int((Width-4)/(min(wide, 150)+26)))
	rows := (len(c.Classes) + columns - 1) / columns
	step := (Width - 4) / float64(columns)
	for i, name := range c.Classes {
		x, y := 8+step*float64(i/rows), y+line*1.15*float64(i%rows)
		s.add(`<path class="mark %v" d="%v"/>`, classColor(i), sign(classShape(i), x, y, 4))
		s.add(`<text class="tick" x="%v" y="%v">%v</text>`, x+9, y+4, shorten(name, step-26))
	}
	return y + line*1.15*float64(rows)
}
