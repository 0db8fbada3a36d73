package preview

import (
	"fmt"
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// neighboursRow shows the nine patches of a grid as they come out, and where
// they lie.
func neighboursRow(p schemas.Pair) ([]string, rower) {
	columns := []string{fmt.Sprintf("nine patches of %d × %d", p.Size, p.Size), "where they lie"}
	return columns, func(photo *view.RGB, key random.Key) (marks []sheet.Mark, cells []sheet.Cell) {
		d := view.DrawPair(p, photo.W, photo.H, key)
		patches := pieces(p.Patches(), p.Size)
		new(view.Renderer).ApplyPair(patches, photo, p, d)

		step := p.Size + max(1, p.Size/8)
		apart, lying := blank(2*step+p.Size), board(photo, p.Side(), d.DrawnGrid)
		fadeGaps(lying, p)
		marks = []sheet.Mark{gridMark(d.DrawnGrid)}
		grid := sheet.Cell{Image: lying, Caption: "answers to where a neighbour lies, seen from the middle:\n" + answers}
		for i, patch := range d.Patches {
			color := colors[1]
			if i == len(d.Patches)/2 {
				color = colors[0]
			}
			lay(apart, patches[i], p.Size, image.Pt(i%3, i/3).Mul(step))
			lay(lying, patches[i], p.Size, patch.At)
			marks = append(marks, sheet.Mark{Box: inPhoto(d.DrawnGrid, p.Side(), patch.At, p.Size), Color: color})
			grid.Marks = append(grid.Marks, sheet.Mark{Box: squareAt(patch.At, p.Size), Color: color})
		}
		return marks, []sheet.Cell{{Image: apart, Caption: list(recolored(d.DrawnGrid))}, grid}
	}
}

// answers are those of a pair, in their places around the middle.
const answers = "0" + noBreak + "1" + noBreak + "2\n3" + noBreak + "·" + noBreak + "4\n5" + noBreak + "6" + noBreak + "7"
