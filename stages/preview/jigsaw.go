package preview

import (
	"fmt"
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/sheet"
	"selfstream/stages/view"
)

// jigsawRow shows the tiles in the order in which they come, and put in their
// places.
func jigsawRow(j schemas.Jigsaw) ([]string, rower) {
	columns := []string{fmt.Sprintf("puzzle, tiles of %d × %d", j.Size, j.Size), "solved"}
	return columns, func(photo *view.RGB, key random.Key) (marks []sheet.Mark, cells []sheet.Cell) {
		d := view.DrawJigsaw(j, photo.W, photo.H, key)
		tiles := pieces(schemas.Tiles, j.Size)
		new(view.Renderer).ApplyJigsaw(tiles, photo, j, d)

		puzzle, solved := blank(j.Side()), board(photo, j.Side(), d.DrawnGrid)
		marks = []sheet.Mark{gridMark(d.DrawnGrid)}
		order := j.Permutations[d.Answer]
		for place, tile := range order {
			at := d.Tiles[tile][1] // green, the brightest channel
			lay(solved, tiles[place], j.Size, at)
			inset := j.Margin + (j.Cell-j.Size)/2
			lay(puzzle, tiles[place], j.Size, image.Pt(place%3, place/3).Mul(j.Cell).Add(image.Pt(inset, inset)))
		}
		return marks, []sheet.Cell{
			{Image: puzzle, Caption: "tiles\n" + rows(order) + "\n" + list(recolored(d.DrawnGrid))},
			{Image: solved, Caption: fmt.Sprintf("answer %d of 0 to %d: permutation %v", d.Answer, len(j.Permutations)-1, order)},
		}
	}
}

// blank is a white picture.
func blank(side int) *view.RGB {
	img := view.NewRGB(side, side)
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	return img
}

// rows are the tiles of a puzzle as they lie there.
func rows(p schemas.Permutation) string {
	s := p.String()
	row := func(s string) string { return s[:1] + noBreak + s[1:2] + noBreak + s[2:] }
	return row(s[:3]) + "\n" + row(s[3:6]) + "\n" + row(s[6:])
}
