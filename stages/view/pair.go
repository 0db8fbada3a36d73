package view

import (
	"image"
	"math"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// DrawnPair is what chance decided for a pair of patches: all that ApplyPair needs
// to know.
type DrawnPair struct {
	DrawnGrid
	Answer  int  // the second patch's place as seen from the first; see schemas.Neighbours
	Swap    bool // the neighbour comes first
	Patches []DrawnPatch
}

// DrawnPatch is what chance decided for one patch.
type DrawnPatch struct {
	At       image.Point // its upper left corner in the grid
	Resample int         // side to which it is shrunk and enlarged again; 0: it is not
	Keep     int         // the only channel that it keeps; −1: it keeps all
	noise    random.Key  // for the other channels
}

// DrawPair decides about the pair of an image of w×h pixels.
func DrawPair(p schemas.Pair, w, h int, key random.Key) DrawnPair {
	d := DrawnPair{DrawnGrid: drawGrid(p.Crop, w, h, p.Flip, p.Gray, p.Project, key)}
	if p.Grid {
		for cell := range schemas.Tiles {
			d.Patches = append(d.Patches, drawPatch(p, cell, key))
		}
		return d
	}
	place := key.Fold(answerBranch).IntN(0, schemas.Neighbours)
	middle := drawPatch(p, 4, key)
	neighbour := drawPatch(p, cellOf(place), key)
	d.Answer, d.Patches = place, []DrawnPatch{middle, neighbour}
	if happens(p.Swap, key.Fold(swapBranch)) {
		d.Swap = true
		d.Answer, d.Patches = schemas.Neighbours-1-place, []DrawnPatch{neighbour, middle}
	}
	return d
}

// cellOf is the cell, 0 to 8 in reading order, of a place around the middle.
func cellOf(place int) int {
	if place >= 4 {
		return place + 1
	}
	return place
}

func drawPatch(p schemas.Pair, cell int, key random.Key) DrawnPatch {
	key = key.Fold(pieceBranch).Fold(uint64(cell))
	step := p.Size + p.Gap
	at := image.Pt(p.Margin+cell%3*step, p.Margin+cell/3*step)
	d := DrawnPatch{At: at.Add(offset(key, 0, 2*p.Jitter)), Keep: -1}
	if k := key.Fold(resampleBranch); happens(p.Resample.P, k) {
		least, most := float64(p.Resample.MinSize), float64(p.Size-1)
		d.Resample = int(math.RoundToEven(math.Sqrt(k.Uniform(1, least*least, most*most))))
	}
	if k := key.Fold(dropBranch); happens(p.Drop, k) {
		d.Keep, d.noise = k.IntN(1, 3), k.Fold(0)
	}
	return d
}

// ApplyPair carries out what was drawn for a pair of src: as many views as there
// are patches, of Size×Size pixels of three bytes.
func (r *Renderer) ApplyPair(dst [][]byte, src Image, p schemas.Pair, d DrawnPair) {
	side, piece := image.Pt(p.Side(), p.Side()), &r.cutter.piece
	for i, patch := range d.Patches {
		at := patch.At
		if d.Flip {
			at.X = p.Side() - p.Size - at.X
		}
		// Of the grid, all else would be made for nothing.
		r.window(piece, src, d.Box, side, image.Rectangle{at, at.Add(image.Pt(p.Size, p.Size))}, d.Flip)
		if patch.Resample > 0 {
			r.resample(piece, patch.Resample)
		}
		d.recolor(piece)
		if patch.Keep >= 0 {
			drop(piece, patch.Keep, patch.noise)
		}
		piece.write(dst[i])
	}
}

// resample shrinks a patch to side×side pixels and enlarges it again.
func (r *Renderer) resample(piece *canvas, side int) {
	w, h, small := piece.w, piece.h, &r.cutter.small
	r.resize(small, piece, image.Rect(0, 0, w, h), side, side, false)
	r.resize(piece, small, image.Rect(0, 0, side, side), w, h, false)
}
