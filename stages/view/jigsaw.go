package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// DrawnJigsaw is what chance decided for a jigsaw: all that ApplyJigsaw needs to
// know.
type DrawnJigsaw struct {
	DrawnGrid
	Answer int                      // place of the permutation in the set
	Tiles  [schemas.Tiles]DrawnTile // in reading order of the image
}

// DrawnTile is where a tile lies in the grid: the upper left corner of each of
// its channels.
type DrawnTile [3]image.Point

// DrawJigsaw decides about the jigsaw of an image of w×h pixels.
func DrawJigsaw(j schemas.Jigsaw, w, h int, key random.Key) DrawnJigsaw {
	d := DrawnJigsaw{
		DrawnGrid: drawGrid(j.Crop, w, h, j.Flip, j.Gray, j.Project, key),
		Answer:    key.Fold(answerBranch).IntN(0, len(j.Permutations)),
	}
	for cell := range d.Tiles {
		k := key.Fold(pieceBranch).Fold(uint64(cell))
		corner := image.Pt(j.Margin+cell%3*j.Cell, j.Margin+cell/3*j.Cell).Add(offset(k, 0, j.Cell-j.Size-j.Shift))
		for channel := range d.Tiles[cell] {
			d.Tiles[cell][channel] = corner.Add(offset(k, uint64(2+2*channel), j.Shift))
		}
	}
	return d
}

// ApplyJigsaw carries out what was drawn for a jigsaw of src: nine views of
// Size×Size pixels of three bytes.
func (r *Renderer) ApplyJigsaw(dst [][]byte, src Image, j schemas.Jigsaw, d DrawnJigsaw) {
	r.grid(src, j.Side(), d.DrawnGrid)
	for i, tile := range j.Permutations[d.Answer] {
		piece := r.cutter.cut(j.Size, d.Tiles[tile])
		d.recolor(piece)
		piece.write(dst[i])
	}
}
