package augmenter

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/view"
)

// puzzles makes the samples of 24 photos of side×side pixels, and of a broken
// one between them, by a recipe that leaves the photos as they are.
func puzzles(t *testing.T, side int, r schemas.Recipe) (*schemas.Samples, []*view.RGB) {
	t.Helper()
	var b bucket.Memory
	split := schemas.Split{Run: "r", Epoch: 2, Index: 5, Seed: 7, Recipe: r}
	var sources []*view.RGB
	for id := range int64(25) {
		img, err := decode.Image(photo(side, side, int(id)), decode.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		var lossless bytes.Buffer // so that views are compared to the bit
		if err := png.Encode(&lossless, img); err != nil {
			t.Fatal(err)
		}
		data := lossless.Bytes()
		if id == 9 {
			data = data[:99]
		} else {
			sources = append(sources, img)
		}
		split.Images = append(split.Images, put(t, &b, id, string('a'+rune(id))+".png", data))
	}
	if err := split.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	// What arrives is what is tested.
	var arrived schemas.Samples
	if err := arrived.UnmarshalBinary(marshal(t, s)); err != nil {
		t.Fatal(err)
	}
	if len(arrived.IDs) != 24 || len(arrived.Answers) != 24 || len(arrived.Holes) != 1 {
		t.Fatalf("have %d images, %d answers and %d holes, want 24, 24 and 1", len(arrived.IDs), len(arrived.Answers), len(arrived.Holes))
	}
	return &arrived, sources
}

var asItIs = schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}

// piece is the row-th image of a view.
func piece(v schemas.Pixels, row int) *view.RGB {
	n := 3 * v.Size * v.Size
	return &view.RGB{W: v.Size, H: v.Size, Pix: v.Data[row*n:][:n]}
}

// cutOut is a square of an image.
func cutOut(img *view.RGB, corner image.Point, size int) *view.RGB {
	out := view.NewRGB(size, size)
	for y := range size {
		copy(out.Pix[3*size*y:][:3*size], img.Pix[3*(img.W*(corner.Y+y)+corner.X):])
	}
	return out
}

// TestJigsawsFit: tiles in the places that the answer names are the photo.
func TestJigsawsFit(t *testing.T) {
	const size = 16
	orders := []schemas.Permutation{{1, 2, 3, 4, 5, 6, 7, 8, 0}, {4, 8, 1, 2, 0, 3, 6, 5, 7}, {3, 5, 8, 7, 1, 0, 2, 6, 4}}
	s, photos := puzzles(t, 3*size, schemas.Recipe{Jigsaw: &schemas.Jigsaw{Size: size, Cell: size, Crop: asItIs, Permutations: orders}})
	for row, photo := range photos {
		for place, tile := range orders[s.Answers[row]] {
			want := cutOut(photo, image.Pt(int(tile)%3, int(tile)/3).Mul(size), size)
			if have := piece(s.Views[place], row); !bytes.Equal(have.Pix, want.Pix) {
				t.Errorf("image %d, answer %d: view %d is not tile %d of the photo", s.IDs[row], s.Answers[row], place, tile)
			}
		}
	}
}

// TestPairsFit: one patch is the photo's middle, and the other lies where the
// answer says.
func TestPairsFit(t *testing.T) {
	const size = 16
	around := []image.Point{{0, 0}, {1, 0}, {2, 0}, {0, 1}, {2, 1}, {0, 2}, {1, 2}, {2, 2}}
	s, photos := puzzles(t, 3*size, schemas.Recipe{Pair: &schemas.Pair{Size: size, Crop: asItIs, Swap: 0.5}})
	swapped := 0
	for row, photo := range photos {
		answer := s.Answers[row]
		first, second := piece(s.Views[0], row), piece(s.Views[1], row)
		middle := cutOut(photo, image.Pt(size, size), size)
		if bytes.Equal(second.Pix, middle.Pix) { // then the first lies on the other side
			first, second, answer = second, first, 7-answer
			swapped++
		}
		if !bytes.Equal(first.Pix, middle.Pix) {
			t.Errorf("image %d: neither patch is the middle of the photo", s.IDs[row])
		}
		if want := cutOut(photo, around[answer].Mul(size), size); !bytes.Equal(second.Pix, want.Pix) {
			t.Errorf("image %d: the neighbour does not lie at %d", s.IDs[row], answer)
		}
	}
	if swapped == 0 || swapped == len(photos) {
		t.Errorf("have %d of %d pairs swapped, want some", swapped, len(photos))
	}
}
