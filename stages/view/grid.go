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
	grid  canvas // resized and mirrored
	piece canvas
	small canvas
}

// Grid writes the grid of src into dst, side×side pixels of three bytes, with
// its own colours.
func (r *Renderer) Grid(dst []byte, src Image, side int, d DrawnGrid) {
	r.grid(src, side, d)
	r.cutter.grid.write(dst)
}

// grid keeps the grid of src for cutting.
func (r *Renderer) grid(src Image, side int, d DrawnGrid) {
	r.resize(&r.cutter.grid, src, d.Box, side, side, d.Flip)
}

// cut makes a piece of size×size pixels, each of whose channels has a place of
// its own.
func (c *cutter) cut(size int, at [3]image.Point) *canvas {
	c.piece.reset(size, size)
	to := c.piece.planes()
	for channel, from := range c.grid.planes() {
		for y := range size {
			copy(to[channel][size*y:][:size], from[c.grid.w*(at[channel].Y+y)+at[channel].X:])
		}
	}
	return &c.piece
}

// recolor takes the colours away that the grid loses.
func (d DrawnGrid) recolor(piece *canvas) {
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
