// Package preview turns photos and a recipe into a contact sheet of what the
// encoder will see of them.
package preview

import (
	"fmt"
	"image/color"
	"math"

	"selfstream/schemas"
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
// are cut from, and then each view as it comes out, with what chance decided
// for it. They are the views of the first epoch of a run with that seed.
func Sheet(title string, seed uint64, r schemas.Recipe, photos []Photo) sheet.Sheet {
	s := sheet.Sheet{
		Title:   title,
		Note:    fmt.Sprintf("What the first epoch of a run with seed %d shows the encoder.", seed),
		Columns: []string{"photo"},
	}
	for i, v := range r.Views {
		s.Columns = append(s.Columns, fmt.Sprintf("view %d, %d × %d", i, v.Size, v.Size))
	}
	for _, p := range photos {
		s.Rows = append(s.Rows, row(seed, r, p))
	}
	return s
}

func row(seed uint64, r schemas.Recipe, p Photo) sheet.Row {
	photo := sheet.Cell{Image: p.Image, Caption: fmt.Sprintf("%d × %d", p.Image.W, p.Image.H)}
	views := make([]sheet.Cell, len(r.Views))
	for i, v := range r.Views {
		d := view.Draw(v, p.Image.W, p.Image.H, view.Key(seed, 0, p.ID, i))
		out := view.NewRGB(v.Size, v.Size)
		new(view.Renderer).Apply(out.Pix, p.Image, v.Size, d)
		c := colors[i%len(colors)]
		views[i] = sheet.Cell{Image: out, Caption: describe(d), Frame: c}
		photo.Marks = append(photo.Marks, sheet.Mark{Box: d.Box, Color: c})
	}
	return sheet.Row{Caption: p.Key, Cells: append([]sheet.Cell{photo}, views...)}
}

// colors tell the views apart.
var colors = []color.Color{
	color.RGBA{0xd1, 0x49, 0x5b, 0xff},
	color.RGBA{0x00, 0x79, 0x8c, 0xff},
	color.RGBA{0xed, 0xae, 0x49, 0xff},
	color.RGBA{0x5d, 0x4e, 0x8c, 0xff},
	color.RGBA{0x66, 0xa1, 0x82, 0xff},
}

// CellSize is the size at which the recipe's views are best looked at: the
// multiple of their side that is nearest to 200 pixels.
func CellSize(r schemas.Recipe) int {
	side := 1
	for _, v := range r.Views {
		side = max(side, v.Size)
	}
	return side * max(1, int(math.Round(200/float64(side))))
}
