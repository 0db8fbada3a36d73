package preview

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/view"
)

const seed = 5

// whole is the crop that leaves a square photo as it is.
var whole = schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}

// views are what a run makes of a photo, with the answer.
func views(r schemas.Recipe, p Photo) ([]*view.RGB, int) {
	var images []*view.RGB
	var dst [][]byte
	for _, size := range r.Sizes() {
		images = append(images, view.NewRGB(size, size))
		dst = append(dst, images[len(images)-1].Pix)
	}
	answer := new(view.Renderer).RenderAll(dst, p.Image, r, view.ImageKey(seed, 0, p.ID))
	return images, answer
}

// texture is a square photo, no two of whose parts are alike.
func texture(side int) *view.RGB {
	img := view.NewRGB(side, side)
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i >> 5)
	}
	return img
}

// part is a part of a picture.
func part(img image.Image, at image.Point, size int) *view.RGB {
	out := view.NewRGB(size, size)
	for y := range size {
		copy(out.Pix[3*size*y:][:3*size], img.(*view.RGB).Pix[3*(img.Bounds().Dx()*(at.Y+y)+at.X):])
	}
	return out
}

// TestGridsAreTheRuns: nine patches are what an augmenter makes; they lie on the
// grid where they are marked, in reading order.
func TestGridsAreTheRuns(t *testing.T) {
	for _, flip := range []float64{0, 1} {
		pair := schemas.Pair{Size: 12, Gap: 6, Jitter: 2, Margin: 1, Grid: true, Crop: whole, Flip: flip}
		r := schemas.Recipe{Pair: &pair}
		for id := range int64(6) {
			p := Photo{ID: id, Key: "a.jpg", Image: texture(2 * pair.Side())}
			patches, _ := views(r, p)
			row := Sheet("title", seed, r, []Photo{p}).Rows[0]
			apart, grid := row.Cells[1], row.Cells[2]
			for i, patch := range patches {
				at := grid.Marks[i].Box.Min
				if !bytes.Equal(part(grid.Image, at, pair.Size).Pix, patch.Pix) {
					t.Errorf("patch %d: does not lie at its mark", i)
				}
				rest := image.Pt(i%3, i/3).Mul(pair.Size + pair.Gap).Add(image.Pt(3, 3))
				if off := at.Sub(rest); max(off.X, -off.X, off.Y, -off.Y) > pair.Jitter {
					t.Errorf("patch %d: lies at %v, want it near %v", i, at, rest)
				}
				if !bytes.Equal(part(apart.Image, image.Pt(i%3, i/3).Mul(pair.Size+1), pair.Size).Pix, patch.Pix) {
					t.Errorf("patch %d: have other pixels than the run's, want the same", i)
				}
			}
		}
	}
}

// TestPairsAreTheRuns: both patches are what an augmenter makes; they lie on
// the grid, and are marked in the photo, where the answer says.
func TestPairsAreTheRuns(t *testing.T) {
	words := []string{"top left of", "above", "top right of", "left of", "right of", "bottom left of", "below", "bottom right of"}
	steps := []image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}
	const size, gap, scale = 12, 6, 2
	for _, flip := range []float64{0, 1} {
		pair := schemas.Pair{Size: size, Gap: gap, Crop: whole, Flip: flip, Swap: 0.5}
		r := schemas.Recipe{Pair: &pair}
		side := pair.Side()
		for id := range int64(12) {
			p := Photo{ID: id, Key: "a.jpg", Image: texture(scale * side)}
			patches, answer := views(r, p)
			row := Sheet("title", seed, r, []Photo{p}).Rows[0]
			grid := row.Cells[3]
			for i, cell := range row.Cells[1:3] {
				if !bytes.Equal(cell.Image.(*view.RGB).Pix, patches[i].Pix) {
					t.Errorf("patch %d: have other pixels than the run's, want the same", i)
				}
				at := grid.Marks[i].Box.Min
				if !bytes.Equal(part(grid.Image, at, size).Pix, patches[i].Pix) {
					t.Errorf("patch %d: does not lie at its mark", i)
				}
			}
			if d := grid.Marks[1].Box.Min.Sub(grid.Marks[0].Box.Min); d != steps[answer].Mul(size+gap) {
				t.Errorf("answer %d: have marks %v apart", answer, d)
			}
			if want := fmt.Sprintf("answer %d: the second patch is %s the first", answer, words[answer]); grid.Caption != want {
				t.Errorf("have %q, want %q", grid.Caption, want)
			}
			for i, m := range row.Cells[0].Marks[1:] {
				want := grid.Marks[i].Box
				if flip == 1 {
					want.Min.X, want.Max.X = side-want.Max.X, side-want.Min.X
				}
				want = image.Rectangle{Min: want.Min.Mul(scale), Max: want.Max.Mul(scale)}
				if m.Box != want || m.Color != row.Cells[1+i].Frame {
					t.Errorf("patch %d: have mark %v in the photo, want %v in the colour of the frame", i, m.Box, want)
				}
			}
		}
	}
}

// TestJigsawsAreTheRuns: the puzzle shows the tiles in the order in which an
// augmenter makes them, and solved they are the photo.
func TestJigsawsAreTheRuns(t *testing.T) {
	const size = 12
	r := schemas.Recipe{Jigsaw: &schemas.Jigsaw{
		Size: size, Cell: size, Crop: whole,
		Permutations: []schemas.Permutation{{1, 2, 3, 4, 5, 6, 7, 8, 0}, {4, 8, 1, 2, 0, 3, 6, 5, 7}},
	}}
	for id := range int64(6) {
		p := Photo{ID: id, Key: "a.jpg", Image: texture(3 * size)}
		tiles, answer := views(r, p)
		row := Sheet("title", seed, r, []Photo{p}).Rows[0]
		puzzle, solved := row.Cells[1], row.Cells[2]
		for place, tile := range tiles {
			if at := image.Pt(place%3, place/3).Mul(size); !bytes.Equal(part(puzzle.Image, at, size).Pix, tile.Pix) {
				t.Errorf("puzzle: have another tile at %d than the run's view %d", place, place)
			}
		}
		if !bytes.Equal(solved.Image.(*view.RGB).Pix, p.Image.Pix) {
			t.Error("solved: have another picture than the photo")
		}
		order := r.Jigsaw.Permutations[answer].String()
		if want := fmt.Sprintf("answer %d of 0 to 1: permutation %s", answer, order); solved.Caption != want {
			t.Errorf("have %q, want %q", solved.Caption, want)
		}
		if have := strings.NewReplacer(noBreak, "", "\n", "", "tiles", "").Replace(puzzle.Caption); have != order {
			t.Errorf("have tiles %q, want %q", have, order)
		}
	}
}
