// Package preview turns photos and a recipe into a contact sheet of what the
// encoder will see of them.
package preview

import (
	"fmt"
	"image/color"
	"math"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// Photo is an image of the dataset.
type Photo struct {
	ID    int64  // its place in the manifest
	Key   string // in the bucket
	Image *view.RGB
}

// Sheet lays out a row for each photo: the photo with the boxes that the views
// are cut from, and then what the recipe makes of it, with the answer if it
// makes one. They are the views of the first epoch of a run with that seed.
func Sheet(title string, seed uint64, r schemas.Recipe, photos []Photo) sheet.Sheet {
	s := sheet.Sheet{
		Title: title,
		Note:  fmt.Sprintf("What the first epoch of a run with seed %d shows the encoder.", seed),
	}
	if r.Jigsaw != nil {
		s.Note += " Tiles are numbered from 0 to 8 in reading order."
	}
	s.Columns, s.Rows = Rows(seed, 0, r, photos)
	return s
}

// Rows are those of a sheet, with the heads of their columns, for the views of
// any epoch.
func Rows(seed uint64, epoch int, r schemas.Recipe, photos []Photo) (heads []string, rows []sheet.Row) {
	columns, row := viewsRow(r.Views)
	switch {
	case r.Pair != nil && r.Pair.Grid:
		columns, row = neighboursRow(*r.Pair)
	case r.Pair != nil:
		columns, row = pairRow(*r.Pair)
	case r.Jigsaw != nil:
		columns, row = jigsawRow(*r.Jigsaw)
	}
	for _, p := range photos {
		marks, cells := row(p.Image, view.ImageKey(seed, epoch, p.ID))
		photo := sheet.Cell{Image: p.Image, Caption: fmt.Sprintf("%d × %d", p.Image.W, p.Image.H), Marks: marks}
		rows = append(rows, sheet.Row{Caption: p.Key, Cells: append([]sheet.Cell{photo}, cells...)})
	}
	return append([]string{"photo"}, columns...), rows
}

// A rower shows what a recipe makes of a photo, with marks for the photo
// itself.
type rower func(photo *view.RGB, key random.Key) ([]sheet.Mark, []sheet.Cell)

// colors tell the views apart.
var colors = []color.Color{
	color.RGBA{0xd1, 0x49, 0x5b, 0xff},
	color.RGBA{0x00, 0x79, 0x8c, 0xff},
	color.RGBA{0xed, 0xae, 0x49, 0xff},
	color.RGBA{0x5d, 0x4e, 0x8c, 0xff},
	color.RGBA{0x66, 0xa1, 0x82, 0xff},
}

// maxGrid bounds the side at which grids are shown.
const maxGrid = 512

// CellSize is the size at which the recipe's views, or the grid that they are
// cut from, are best looked at: the multiple of their side that is nearest to
// 200 pixels.
func CellSize(r schemas.Recipe) int {
	side := 1
	for _, size := range r.Sizes() {
		side = max(side, size)
	}
	switch {
	case r.Pair != nil:
		side = min(r.Pair.Side(), maxGrid)
	case r.Jigsaw != nil:
		side = min(r.Jigsaw.Side(), maxGrid)
	}
	return side * max(1, int(math.Round(200/float64(side))))
}
