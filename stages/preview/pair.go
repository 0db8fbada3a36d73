package preview

import (
	"fmt"
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// places are the answers of a pair, in words.
var places = [schemas.Neighbours]string{"top left of", "above", "top right of", "left of", "right of", "bottom left of", "below", "bottom right of"}

// pairRow shows both patches as they come out, and where they lie in the grid.
func pairRow(p schemas.Pair) ([]string, rower) {
	columns := []string{
		fmt.Sprintf("first patch, %d × %d", p.Size, p.Size), fmt.Sprintf("second patch, %d × %d", p.Size, p.Size), "where they lie",
	}
	return columns, func(photo *view.RGB, key random.Key) (marks []sheet.Mark, cells []sheet.Cell) {
		d := view.DrawPair(p, photo.W, photo.H, key)
		patches := pieces(p.Patches(), p.Size)
		new(view.Renderer).ApplyPair(patches, photo, p, d)

		lying := board(photo, p.Side(), d.DrawnGrid)
		fadeGaps(lying, p)
		grid := sheet.Cell{
			Image:   lying,
			Caption: fmt.Sprintf("answer %d: the second patch is %s the first", d.Answer, places[d.Answer]),
		}
		marks = []sheet.Mark{gridMark(d.DrawnGrid)}
		for i, patch := range d.Patches {
			lay(lying, patches[i], p.Size, patch.At)
			marks = append(marks, sheet.Mark{Box: inPhoto(d.DrawnGrid, p.Side(), patch.At, p.Size), Color: colors[i]})
			grid.Marks = append(grid.Marks, sheet.Mark{Box: squareAt(patch.At, p.Size), Color: colors[i]})
			cells = append(cells, sheet.Cell{
				Image:   &view.RGB{W: p.Size, H: p.Size, Pix: patches[i]},
				Caption: describePatch(d, patch),
				Frame:   colors[i],
			})
		}
		return marks, append(cells, grid)
	}
}

// fadeGaps fades once more what is between the nine patches of a grid that are
// not moved.
func fadeGaps(grid *view.RGB, p schemas.Pair) {
	for y := range grid.H {
		for x := range grid.W {
			if inGap(x, p) || inGap(y, p) {
				fade(grid, squareAt(image.Pt(x, y), 1), 3)
			}
		}
	}
}

// inGap tells whether no unmoved patch covers x.
func inGap(x int, p schemas.Pair) bool {
	border := p.Margin + p.Jitter
	x -= border
	return x < 0 || x >= p.Side()-2*border || x%(p.Size+p.Gap) >= p.Size
}

// describePatch says what chance decided for a patch besides its place.
func describePatch(d view.DrawnPair, patch view.DrawnPatch) string {
	items := recolored(d.DrawnGrid)
	if patch.Resample > 0 {
		items = append(items, fmt.Sprintf("by way of %d × %d", patch.Resample, patch.Resample))
	}
	if patch.Keep >= 0 {
		items = append(items, "only "+[]string{"red", "green", "blue"}[patch.Keep])
	}
	return list(items)
}
