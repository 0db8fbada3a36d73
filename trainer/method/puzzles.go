package method

import (
	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
)

// puzzles makes n puzzles of each image's one. The codes of its tiles, [B,
// Tiles·W], lie as the permutation with the number right, int32 [B], has
// shuffled the tiles. They come back as n permutations of the set would have
// laid them, the image's own first and the others at even distances behind it:
// [B·n, Tiles·W], with the numbers of these permutations, int32 [B·n].
//
// A tile has the same code wherever it lies, so that only what is above the
// codes is computed n times.
func puzzles(codes, right *Node, set []schemas.Permutation, n int) (laid, answers *Node) {
	g, batch, width := codes.Graph(), codes.Shape().Dim(0), codes.Shape().Dim(1)/schemas.Tiles
	numbers, moves := resets(set, n)
	own := ExpandAxes(right, 1)
	answers = Reshape(Gather(Reshape(Const(g, numbers), len(set), n), own), batch*n)

	move := Gather(Reshape(Const(g, moves), len(set), n*schemas.Tiles, schemas.Tiles), own)
	tiles := Reshape(codes, batch, schemas.Tiles, width)
	laid = DotGeneral(ConvertDType(move, codes.DType()), []int{2}, []int{0}, tiles, []int{1}, []int{0})
	return Reshape(laid, batch*n, schemas.Tiles*width), answers
}

// resets are, for each permutation of the set, the numbers of the n that its
// tiles are laid out by again, [len(set), n], and how: [len(set), n, Tiles,
// Tiles] is 1 where a place of the new puzzle, the third axis, shows the tile
// of a place of the old one, the last.
func resets(set []schemas.Permutation, n int) (numbers []int32, moves []float32) {
	moves = make([]float32, len(set)*n*schemas.Tiles*schemas.Tiles)
	row := moves
	for own, old := range set {
		for i := range n {
			number := (own + i*len(set)/n) % len(set)
			numbers = append(numbers, int32(number))
			for _, tile := range set[number] {
				for place, shown := range old {
					if shown == tile {
						row[place] = 1
					}
				}
				row = row[schemas.Tiles:]
			}
		}
	}
	return numbers, moves
}
