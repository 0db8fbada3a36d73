package sheet

import (
	"image"
	"image/color"
)

// Distances in pixels.
const (
	margin = 36 // around the sheet
	gutter = 24 // between columns
	space  = 8  // between things that belong together
	leap   = 28 // between rows
	frame  = 2  // width of a coloured frame
)

var (
	paper    = color.Gray{0xff}
	hairline = color.Gray{0xdd}
	ink      = color.Gray{0x22}
	pale     = color.Gray{0x77}
)

// layout is where everything lies.
type layout struct {
	bounds   image.Rectangle
	rules    []rule
	texts    []text
	pictures []picture
}

// rule is a line between the parts of the sheet.
type rule struct {
	box   image.Rectangle
	color color.Color
}

// layout places everything from top to bottom.
func (s Sheet) layout(cell int) layout {
	columns := max(len(s.Columns), 1)
	for _, row := range s.Rows {
		columns = max(columns, len(row.Cells))
	}
	width := columns*cell + (columns-1)*gutter
	left := func(column int) int { return margin + column*(cell+gutter) }

	var l layout
	y := margin
	// write places one line of text and goes below it.
	write := func(s string, st style, x, y, width int) int {
		if s == "" {
			return y
		}
		box := image.Rect(x, y, x+width, y+st.height)
		l.texts = append(l.texts, text{box, st.truncate(s, width), st})
		return box.Max.Y
	}
	line := func(c color.Color) {
		l.rules = append(l.rules, rule{image.Rect(margin, y, margin+width, y+1), c})
		y += 1 + space
	}

	y = write(s.Title, title, margin, y, width)
	for _, part := range note.wrap(s.Note, width) {
		y = write(part, note, margin, y, width)
	}
	if y > margin {
		y += leap
	}
	if len(s.Columns) > 0 {
		for i, name := range s.Columns {
			write(name, head, left(i), y, cell)
		}
		y += head.height + space/2
		line(ink)
	}
	for i, row := range s.Rows {
		if i > 0 {
			y += leap - space
			line(hairline)
		}
		if row.Caption != "" {
			y = write(row.Caption, caption, margin, y, width) + space
		}
		low := y
		for j, c := range row.Cells {
			bottom := y
			if c.Image != nil {
				box := image.Rectangle{Max: fitted(c.Image.Bounds().Size(), cell)}.Add(image.Pt(left(j), y))
				l.pictures = append(l.pictures, picture{box, c})
				bottom = box.Max.Y + space
			}
			for _, part := range note.wrap(c.Caption, cell) {
				bottom = write(part, note, left(j), bottom, cell)
			}
			low = max(low, bottom)
		}
		y = low
	}
	l.bounds = image.Rect(0, 0, width+2*margin, y+margin)
	return l
}
