// Package chart turns numbers into SVG charts: lines, bars, matrices and
// scatter plots, to be put into a page.
//
// The colours are classes (ink, grid, c0 to c6 and so on) that the page's style
// sheet gives a meaning to, in Style: so charts follow a dark page, and the
// palette, Okabe and Ito's, can be told apart by people with any kind of
// colour vision. Nothing is said by colour alone: lines are labelled where they
// end, points have shapes, and each chart has a title and a description for
// those who listen to the page. All charts are drawn for a width of 360 units,
// that of a phone, and grow with their place.
package chart

import (
	_ "embed" // of Style
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
)

// Style is the style sheet of the charts, light and dark.
//
//go:embed chart.css
var Style string

// Width of every chart, in the units of its drawing.
const Width = 360

const (
	line = 14. // height of a line of text
	gap  = 6.  // between a text and what it belongs to
)

// box is a part of a drawing.
type box struct{ left, top, right, bottom float64 }

// svg is a drawing under way.
type svg struct{ strings.Builder }

// add writes an element. Strings among the values are escaped.
func (s *svg) add(format string, values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case string:
			values[i] = html.EscapeString(v)
		case float64:
			values[i] = number(v)
		}
	}
	fmt.Fprintf(s, format, values...)
	s.WriteByte('\n')
}

// number is x in as few digits as a screen can show.
func number(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0"), ".")
}

// finish puts a frame around the drawing: its size, and what it shows in words.
func (s *svg) finish(height float64, title, description string) template.HTML {
	return s.sized("chart", Width, height, strings.Trim(title+". "+description, ". ")+".")
}

func (s *svg) sized(class string, width, height float64, label string) template.HTML {
	var out svg
	out.add(`<svg class="%v" viewBox="0 0 %v %v" role="img" aria-label="%v">`, class, width, height, label)
	out.WriteString(s.String())
	out.WriteString("</svg>\n")
	return template.HTML(out.String()) // all strings in it are escaped by add
}

// lengthOf estimates how wide a text is, in a font that is rather wide.
func lengthOf(text string) (wide float64) {
	for _, r := range text {
		switch {
		case strings.ContainsRune("ijlftrI1 .,:;'|()", r):
			wide += 4.6
		case strings.ContainsRune("mwMW%−", r):
			wide += 10.5
		case 'A' <= r && r <= 'Z':
			wide += 8
		default:
			wide += 7
		}
	}
	return wide
}

// shorten leaves out the middle of a text that is wider than room, down to three
// letters.
func shorten(text string, room float64) string {
	runes := []rune(text)
	for most := len(runes) - 1; most >= 3 && lengthOf(text) > room; most-- {
		text = string(runes[:most/2]) + "…" + string(runes[len(runes)-(most-1)/2:])
	}
	return text
}

// Colors is how many colours there are.
const Colors = 7

// color is the class of the i-th colour.
func color(i int) string { return "c" + strconv.Itoa(i%Colors) }
