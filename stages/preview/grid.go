package preview

import (
	"image"
	"image/color"

	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// board is a picture of a grid, faded, so that what is laid on it stands out.
func board(photo *view.RGB, side int, d view.DrawnGrid) *view.RGB {
	out := view.NewRGB(side, side)
	new(view.Renderer).Grid(out.Pix, photo, side, d)
	fade(out, out.Bounds(), 3)
	return out
}

// fade divides what a part of a picture differs from white.
func fade(img *view.RGB, part image.Rectangle, by uint8) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := img.Pix[3*img.W*y:][3*part.Min.X : 3*part.Max.X]
		for i, v := range row {
			row[i] = 255 - (255-v)/by
		}
	}
}

// squareAt is a square with its upper left corner at a point.
func squareAt(at image.Point, size int) image.Rectangle {
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(size, size))}
}

// pieces are n patches or tiles of size×size pixels that are still to be made.
func pieces(n, size int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = make([]byte, 3*size*size)
	}
	return all
}

// lay puts a piece on a picture.
func lay(on *view.RGB, pix []byte, size int, at image.Point) {
	for y := range size {
		copy(on.Pix[3*(on.W*(at.Y+y)+at.X):][:3*size], pix[3*size*y:])
	}
}

// inPhoto is where a square of a grid comes from.
func inPhoto(d view.DrawnGrid, side int, at image.Point, size int) image.Rectangle {
	if d.Flip {
		at.X = side - size - at.X
	}
	scale := func(p image.Point) image.Point {
		return image.Pt(p.X*d.Box.Dx()/side, p.Y*d.Box.Dy()/side).Add(d.Box.Min)
	}
	box := squareAt(at, size)
	return image.Rectangle{Min: scale(box.Min), Max: scale(box.Max)}
}

// gridMark frames the whole grid in the photo.
func gridMark(d view.DrawnGrid) sheet.Mark {
	return sheet.Mark{Box: d.Box, Color: color.Gray{0x55}}
}

// recolored says what happens to the colours of a grid.
func recolored(d view.DrawnGrid) (items []string) {
	if d.Flip {
		items = append(items, "flipped")
	}
	if d.Gray {
		items = append(items, "grey")
	}
	if d.Project {
		items = append(items, "green–magenta removed")
	}
	return items
}
