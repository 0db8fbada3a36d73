package method

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/schemas"
)

// TestPuzzles follows every tile from place to place: its code says which tile
// of which image it is.
func TestPuzzles(t *testing.T) {
	const batch, width = 12, 2
	for _, tc := range []struct{ set, n int }{{2, 1}, {8, 1}, {8, 3}, {8, 8}, {64, 16}} {
		set, err := Permutations(tc.set, MaxMin, 1)
		if err != nil {
			t.Fatal(err)
		}
		right := make([]int32, batch)
		var codes []float32
		for image := range batch {
			right[image] = int32(5 * image % tc.set)
			for _, tile := range set[right[image]] {
				codes = append(codes, float32(tile), float32(image))
			}
		}
		out, err := CallOnceN(goBackend(t), func(codes, right *Node) []*Node {
			laid, answers := puzzles(codes, right, set, tc.n)
			return []*Node{laid, answers}
		}, tensors.FromFlatDataAndDimensions(codes, batch, schemas.Tiles*width), right)
		if err != nil {
			t.Fatal(err)
		}
		laid, answers := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[int32](out[1])
		if len(answers) != batch*tc.n {
			t.Fatalf("%+v: have %d answers, want %d", tc, len(answers), batch*tc.n)
		}
		for i, answer := range answers {
			image := i / tc.n
			if i%tc.n == 0 && answer != right[image] {
				t.Errorf("%+v: image %d: have %d first, want its own, %d", tc, image, answer, right[image])
			}
			for _, other := range answers[image*tc.n : i] {
				if other == answer {
					t.Errorf("%+v: image %d has permutation %d twice", tc, image, answer)
				}
			}
			for place, tile := range set[answer] {
				have := [width]float32(laid[(i*schemas.Tiles+place)*width:])
				if want := [width]float32{float32(tile), float32(image)}; have != want {
					t.Fatalf("%+v: puzzle %d, place %d: have tile and image %v, want %v", tc, i, place, have, want)
				}
			}
		}
	}
}
