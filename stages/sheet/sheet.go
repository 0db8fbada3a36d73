// Package sheet lays pictures and captions out on one large picture, such as a
// contact sheet of photos.
package sheet

import (
	"image"
	"image/color"
	"image/draw"

	"github.com/disintegration/imaging"
)

// Sheet is a table of pictures.
type Sheet struct {
	Title   string
	Note    string   // smaller, below the title
	Columns []string // heads; none is fine
	Rows    []Row
}

// Row is a line of pictures below its caption, which is one line: what does
// not fit is left out in the middle, so that the ends of a key stay legible.
type Row struct {
	Caption string
	Cells   []Cell
}

// Cell is a picture above its caption, which takes as many lines as it needs.
// Lines break at spaces but not at no-break spaces.
type Cell struct {
	Image   image.Image
	Caption string
	Frame   color.Color // nil: a hairline
	Marks   []Mark
}

// Mark is a frame around a part of a picture.
type Mark struct {
	Box   image.Rectangle // in pixels of the picture
	Color color.Color
}

// Draw draws the sheet with pictures of up to cell × cell pixels. Smaller ones
// are enlarged by the largest whole factor that fits, each pixel to a square,
// so that pixels can be judged; larger ones are shrunk (Lanczos).
func (s Sheet) Draw(cell int) *image.NRGBA {
	l := s.layout(cell)
	out := image.NewNRGBA(l.bounds)
	fill(out, l.bounds, paper)
	for _, r := range l.rules {
		fill(out, r.box, r.color)
	}
	for _, p := range l.pictures {
		p.draw(out)
	}
	for _, t := range l.texts {
		t.draw(out)
	}
	return out
}

// fitted is the size at which a picture is drawn in a cell.
func fitted(size image.Point, cell int) image.Point {
	long := max(size.X, size.Y)
	if long <= cell {
		return size.Mul(cell / max(long, 1))
	}
	return image.Pt(max(size.X*cell/long, 1), max(size.Y*cell/long, 1))
}

// picture is a cell's picture in its place.
type picture struct {
	box image.Rectangle
	Cell
}

func (p picture) draw(out *image.NRGBA) {
	from, size := p.Image.Bounds(), p.box.Size()
	if from.Empty() {
		return
	}
	filter := imaging.NearestNeighbor
	if size.X < from.Dx() || size.Y < from.Dy() {
		filter = imaging.Lanczos
	}
	draw.Draw(out, p.box, imaging.Resize(p.Image, size.X, size.Y, filter), image.Point{}, draw.Over)

	if p.Frame == nil {
		outline(out, p.box.Inset(-1), 1, hairline)
	} else {
		outline(out, p.box.Inset(-frame), frame, p.Frame)
	}
	for _, m := range p.Marks {
		b := m.Box.Sub(from.Min)
		b = image.Rect(
			b.Min.X*size.X/from.Dx(), b.Min.Y*size.Y/from.Dy(),
			b.Max.X*size.X/from.Dx(), b.Max.Y*size.Y/from.Dy(),
		).Add(p.box.Min).Intersect(p.box)
		outline(out, b, frame+1, paper) // tells the frame from the picture, whatever its colours
		outline(out, b, frame, m.Color)
	}
}

// outline draws the border of box, inside of it.
func outline(out *image.NRGBA, box image.Rectangle, width int, c color.Color) {
	in := box.Inset(width)
	fill(out, image.Rect(box.Min.X, box.Min.Y, box.Max.X, in.Min.Y), c)
	fill(out, image.Rect(box.Min.X, in.Max.Y, box.Max.X, box.Max.Y), c)
	fill(out, image.Rect(box.Min.X, in.Min.Y, in.Min.X, in.Max.Y), c)
	fill(out, image.Rect(in.Max.X, in.Min.Y, box.Max.X, in.Max.Y), c)
}

func fill(out *image.NRGBA, box image.Rectangle, c color.Color) {
	draw.Draw(out, box, image.NewUniform(c), image.Point{}, draw.Over)
}
