package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// The branches of an image's key for grids, besides those for its box, its
// mirroring and its greys. A new one goes to the end.
const (
	projectBranch = solarizeBranch + 1 + iota
	answerBranch
	swapBranch
	pieceBranch // one below it for each patch or tile
	resampleBranch
	dropBranch
)

// DrawnGrid is what chance decided for a square of the image that patches or tiles
// are cut from.
type DrawnGrid struct {
	Box     image.Rectangle // of the source, resized to the grid
	Flip    bool
	Gray    bool
	Project bool
}

func drawGrid(c schemas.Crop, w, h int, flip, gray, project float64, key random.Key) DrawnGrid {
	return DrawnGrid{
		Box:     drawBox(c, w, h, key.Fold(cropBranch)),
		Flip:    happens(flip, key.Fold(flipBranch)),
		Gray:    happens(gray, key.Fold(grayBranch)),
		Project: happens(project, key.Fold(projectBranch)),
	}
}

// cutter cuts pieces out of a grid. Its memory is used again.
type cutter struct {
	grid  RGB // resized and mirrored
	small []byte
}

// Grid writes the grid of src into dst, side×side pixels of three bytes, with
// its own colours.
func (r *Renderer) Grid(dst []byte, src *RGB, side int, d DrawnGrid) {
	img := square(dst, side)
	r.resizer.resize(img, src, d.Box)
	if d.Flip {
		flip(img)
	}
}

// grid keeps the grid of src for cutting.
func (r *Renderer) grid(src *RGB, side int, d DrawnGrid) {
	r.cutter.grid = RGB{W: side, H: side, Pix: grow(r.cutter.grid.Pix, 3*side*side)}
	r.Grid(r.cutter.grid.Pix, src, side, d)
}

// cut fills a piece, each of whose channels has a place of its own.
func (c *cutter) cut(piece *RGB, at [3]image.Point) {
	for y := range piece.H {
		row := piece.Pix[3*piece.W*y:][:3*piece.W]
		for channel, from := range at {
			in := c.grid.Pix[3*(c.grid.W*(from.Y+y)+from.X):][:len(row)]
			for i := channel; i < len(row); i += 3 {
				row[i] = in[i]
			}
		}
	}
}

// recolor takes the colours away that the grid loses.
func (d DrawnGrid) recolor(piece *RGB) {
	if d.Gray {
		gray(piece)
	}
	if d.Project {
		project(piece)
	}
}

// offset is where something of n pixels is moved to that may lie anywhere
// within n+room of them. It takes the key's numbers i and i+1.
func offset(key random.Key, i uint64, room int) image.Point {
	return image.Pt(key.IntN(i, room+1), key.IntN(i+1, room+1))
}
