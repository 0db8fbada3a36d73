package view_test

import (
	"bytes"
	"image"
	"math"
	"reflect"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/view"
	"selfstream/stages/view/viewtest"
)

// orders are some permutations, of which none is its own inverse but the first.
var orders = []schemas.Permutation{
	{0, 1, 2, 3, 4, 5, 6, 7, 8},
	{1, 2, 3, 4, 5, 6, 7, 8, 0},
	{4, 8, 1, 2, 0, 3, 6, 5, 7},
	{8, 6, 7, 2, 5, 1, 0, 3, 4},
	{3, 5, 8, 7, 1, 0, 2, 6, 4},
}

// TestJigsawsAreSolved by their answers: tiles without room in their cells put
// together give the image, pixel for pixel.
func TestJigsawsAreSolved(t *testing.T) {
	const size = 21
	j := schemas.Jigsaw{Size: size, Cell: size, Crop: whole, Permutations: orders}
	src := photo(3*size, 3*size)
	met := map[int]bool{}
	for i := range 50 {
		tiles, answer := render(schemas.Recipe{Jigsaw: &j}, src, i)
		met[answer] = true
		solved := view.NewRGB(3*size, 3*size)
		for place, tile := range j.Permutations[answer] {
			for y := range size {
				row := 3 * ((int(tile)/3*size+y)*solved.W + int(tile)%3*size)
				copy(solved.Pix[row:][:3*size], tiles[place][3*size*y:])
			}
		}
		if !bytes.Equal(solved.Pix, src.Pix) {
			t.Fatalf("image %d: permutation %v does not solve the puzzle", i, j.Permutations[answer])
		}
	}
	if len(met) != len(orders) {
		t.Errorf("have %d of %d answers", len(met), len(orders))
	}
}

// TestTilesStayInTheirCells, wherever they lie in them, and each channel stays
// near the others. All places that may be are met.
func TestTilesStayInTheirCells(t *testing.T) {
	for _, j := range []schemas.Jigsaw{
		{Size: 64, Cell: 85, Shift: 2},
		{Size: 15, Cell: 20, Shift: 1, Margin: 2},
		{Size: 16, Cell: 18, Shift: 2},
		{Size: 16, Cell: 19},
	} {
		j.Crop, j.Permutations = whole, orders
		src := viewtest.Coordinates(j.Side(), j.Side())
		met, shifted := map[int]bool{}, map[int]bool{}
		for i := range 80 {
			tiles, answer := render(schemas.Recipe{Jigsaw: &j}, src, i)
			for place, tile := range j.Permutations[answer] {
				// Red knows x, green knows y; the other of each is not told.
				pix, corner := tiles[place], image.Pt(int(tile)%3, int(tile)/3).Mul(j.Cell)
				off := image.Pt(int(pix[0]), int(pix[1])).Sub(corner).Sub(image.Pt(j.Margin, j.Margin))
				if !off.In(image.Rect(0, 0, j.Cell-j.Size+1, j.Cell-j.Size+1)) {
					t.Fatalf("%d in %d: have tile %d at %v of its cell", j.Size, j.Cell, tile, off)
				}
				met[off.X], met[off.Y] = true, true
				blue := int(uint8(pix[2] - pix[0] - pix[1])) // its shift in x and y, less red's in x and green's in y
				shifted[int(int8(blue))] = true
				last := pix[len(pix)-3:]
				if int(last[0]) != int(pix[0])+j.Size-1 || int(last[1]) != int(pix[1])+j.Size-1 {
					t.Fatalf("have a tile from %v to %v, want %d pixels", pix[:2], last[:2], j.Size)
				}
			}
		}
		if have, want := len(met), j.Cell-j.Size+1; have != want {
			t.Errorf("%d in %d: have %d offsets, want %d", j.Size, j.Cell, have, want)
		}
		if have, want := len(shifted), 4*j.Shift+1; have != want {
			t.Errorf("%d in %d: have %d distances of blue from red and green, want %d for shifts of up to %d", j.Size, j.Cell, have, want, j.Shift)
		}
	}
}

// TestJigsawChance: permutations, offsets, shifts and probabilities are as the
// recipe says.
func TestJigsawChance(t *testing.T) {
	const n = 8000
	j := schemas.Jigsaw{Size: 16, Cell: 21, Shift: 2, Crop: whole, Flip: 0.5, Gray: 0.25, Project: 0.75, Permutations: orders}
	draws := make([]view.DrawnJigsaw, n)
	for i := range draws {
		draws[i] = view.DrawJigsaw(j, 100, 100, view.ImageKey(1, 0, int64(i)))
	}
	check := func(name string, want float64, is func(view.DrawnJigsaw) bool) {
		t.Helper()
		k := 0
		for _, d := range draws {
			if is(d) {
				k++
			}
		}
		if have := float64(k) / n; math.Abs(have-want) > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("%s: have share %g, want %g", name, have, want)
		}
	}
	for answer := range orders {
		check("answer", 1./5, func(d view.DrawnJigsaw) bool { return d.Answer == answer })
	}
	check("flip", 0.5, func(d view.DrawnJigsaw) bool { return d.Flip })
	check("gray", 0.25, func(d view.DrawnJigsaw) bool { return d.Gray })
	check("project", 0.75, func(d view.DrawnJigsaw) bool { return d.Project })
	for tile := range schemas.Tiles {
		corner := image.Pt(tile%3, tile/3).Mul(21)
		for by := range 6 { // the sum of two draws, from 0 to 3 and from 0 to 2
			want := []float64{1, 2, 3, 3, 2, 1}[by] / 12
			for channel := range 3 {
				check("x", want, func(d view.DrawnJigsaw) bool { return d.Tiles[tile][channel].Sub(corner).X == by })
				check("y", want, func(d view.DrawnJigsaw) bool { return d.Tiles[tile][channel].Sub(corner).Y == by })
			}
		}
		check("red over green", 1./3, func(d view.DrawnJigsaw) bool { return d.Tiles[tile][0].X == d.Tiles[tile][1].X })
		check("green over blue", 1./3, func(d view.DrawnJigsaw) bool { return d.Tiles[tile][1].Y == d.Tiles[tile][2].Y })
	}
	check("neighbours", 28./144, func(d view.DrawnJigsaw) bool { return d.Tiles[0][0].X+21 == d.Tiles[1][0].X })
}

// TestJigsawSettingsDrawApart is TestPairSettingsDrawApart for jigsaws.
func TestJigsawSettingsDrawApart(t *testing.T) {
	full := schemas.Jigsaw{Size: 16, Cell: 21, Crop: published.Crop, Flip: 0.5, Gray: 0.5, Project: 0.5, Permutations: orders}
	draw := func(j schemas.Jigsaw) []view.DrawnJigsaw {
		out := make([]view.DrawnJigsaw, 50)
		for i := range out {
			out[i] = view.DrawJigsaw(j, 400, 300, view.ImageKey(1, 0, int64(i)))
		}
		return out
	}
	for name, tc := range map[string]struct {
		omit   func(*schemas.Jigsaw)
		forget func(*view.DrawnJigsaw) // what may differ
	}{
		"flip":         {func(j *schemas.Jigsaw) { j.Flip = 0 }, func(d *view.DrawnJigsaw) { d.Flip = false }},
		"gray":         {func(j *schemas.Jigsaw) { j.Gray = 0 }, func(d *view.DrawnJigsaw) { d.Gray = false }},
		"project":      {func(j *schemas.Jigsaw) { j.Project = 0 }, func(d *view.DrawnJigsaw) { d.Project = false }},
		"crop":         {func(j *schemas.Jigsaw) { j.Crop = whole }, func(d *view.DrawnJigsaw) { d.Box = image.Rectangle{} }},
		"permutations": {func(j *schemas.Jigsaw) { j.Permutations = orders[:1] }, func(d *view.DrawnJigsaw) { d.Answer = 0 }},
	} {
		without := full
		tc.omit(&without)
		have, want := draw(without), draw(full)
		for i := range want {
			tc.forget(&have[i])
			tc.forget(&want[i])
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("without %s, the others draw other values", name)
		}
	}
}

// TestGreyPuzzlesAreGrey, although their channels are shifted apart first.
func TestGreyPuzzlesAreGrey(t *testing.T) {
	j := schemas.Jigsaw{Size: 16, Cell: 21, Shift: 2, Crop: whole, Gray: 1, Project: 1, Permutations: orders}
	tiles, _ := render(schemas.Recipe{Jigsaw: &j}, photo(63, 63), 1)
	for _, pix := range tiles {
		for p := pix; len(p) > 0; p = p[3:] {
			if p[0] != p[1] || p[1] != p[2] {
				t.Fatalf("have a pixel of %v, want grey", p[:3])
			}
		}
	}
}

// TestGoldenJigsaws is TestGoldenViews for jigsaws.
func TestGoldenJigsaws(t *testing.T) {
	for _, tc := range []struct {
		name   string
		jigsaw schemas.Jigsaw
		want   string
	}{
		{"published", schemas.Jigsaw{Size: 64, Cell: 85, Shift: 2, Gray: 0.5, Project: 0.5}, "7fa83366e8b26d0b"},
		{"small", schemas.Jigsaw{Size: 16, Cell: 21, Flip: 0.5}, "0ca6169aace8c18e"},
		{"mirrored, all shifted", schemas.Jigsaw{Size: 16, Cell: 18, Shift: 2, Flip: 1, Project: 1}, "c7ccafec63a96194"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.jigsaw.Crop, tc.jigsaw.Permutations = published.Crop, orders
			checkDigest(t, schemas.Recipe{Jigsaw: &tc.jigsaw}, tc.want)
		})
	}
}

func BenchmarkJigsaw(b *testing.B) {
	large := schemas.Jigsaw{Size: 64, Cell: 85, Shift: 2, Gray: 0.3, Crop: published.Crop, Permutations: orders}
	small := schemas.Jigsaw{Size: 16, Cell: 21, Crop: published.Crop, Permutations: orders}
	for name, j := range map[string]schemas.Jigsaw{"tiles=64": large, "tiles=16": small} {
		b.Run(name, func(b *testing.B) { benchmark(b, schemas.Recipe{Jigsaw: &j}) })
	}
}
