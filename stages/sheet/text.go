package sheet

import (
	"image"
	"image/color"
	"sort"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// style is a way to set a line of text.
type style struct {
	ttf    []byte
	size   float64 // of the font, in pixels
	height int     // of a line
	color  color.Color
}

var (
	title   = style{gobold.TTF, 24, 34, ink}
	head    = style{gobold.TTF, 13, 18, ink}
	caption = style{goregular.TTF, 13, 18, ink}
	note    = style{goregular.TTF, 12, 17, pale}
)

// face loads the font. A face remembers glyphs and must not be shared between
// goroutines, so every use has its own.
func (s style) face() font.Face {
	f, err := opentype.Parse(s.ttf)
	if err != nil {
		panic(err) // the fonts are part of the program
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: s.size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err)
	}
	return face
}

// truncate leaves out as much of the middle of a line as it takes to fit.
func (s style) truncate(line string, width int) string {
	face := s.face()
	fits := func(t string) bool { return font.MeasureString(face, t).Ceil() <= width }
	if fits(line) {
		return line
	}
	runes := []rune(line)
	without := func(n int) string {
		keep := len(runes) - n
		return string(runes[:keep-keep/2]) + "…" + string(runes[len(runes)-keep/2:])
	}
	return without(sort.Search(len(runes), func(n int) bool { return fits(without(n)) }))
}

// wrap breaks a text into lines at its spaces and newlines. A word that is too
// long has a line of its own.
func (s style) wrap(text string, width int) []string {
	if text == "" {
		return nil
	}
	face := s.face()
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		words := strings.Split(paragraph, " ")
		line := words[0]
		for _, word := range words[1:] {
			if font.MeasureString(face, line+" "+word).Ceil() > width {
				lines = append(lines, line)
				line = word
			} else {
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// text is a line in its place.
type text struct {
	box  image.Rectangle
	line string
	style
}

func (t text) draw(out *image.NRGBA) {
	face := t.face()
	m := face.Metrics()
	above := (fixed.I(t.height) - m.Ascent - m.Descent) / 2
	d := font.Drawer{
		Dst:  out,
		Src:  image.NewUniform(t.color),
		Face: face,
		Dot:  fixed.Point26_6{X: fixed.I(t.box.Min.X), Y: fixed.I(t.box.Min.Y) + above + m.Ascent},
	}
	d.DrawString(t.line)
}
