package view_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"math"
	"reflect"
	"slices"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/view"
	"selfstream/stages/view/viewtest"
)

// whole is the crop that leaves a square image as it is.
var whole = schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}

// published is the recipe of Doersch et al.: gaps of half a patch, 7 pixels of
// jitter, a third of the patches resampled, colours dropped.
var published = schemas.Pair{
	Size: 96, Gap: 48, Jitter: 7, Crop: schemas.Crop{ScaleMin: 0.3, ScaleMax: 1, RatioMin: 1, RatioMax: 1},
	Swap: 0.5, Resample: schemas.Resample{P: 0.33, MinSize: 10}, Drop: 1,
}

// render makes the views of the i-th image, and their answer.
func render(r schemas.Recipe, src *view.RGB, i int) (views [][]byte, answer int) {
	for _, size := range r.Sizes() {
		views = append(views, make([]byte, 3*size*size))
	}
	return views, new(view.Renderer).RenderAll(views, src, r, view.ImageKey(7, 3, int64(i)))
}

// place reads off where a piece of size×size pixels of viewtest.Coordinates
// comes from, and tells whether it is a piece of it.
func place(t *testing.T, pix []byte, size int) image.Point {
	t.Helper()
	at := image.Pt(int(pix[0]), int(pix[1]))
	for i := range size * size {
		x, y := at.X+i%size, at.Y+i/size
		if want := []byte{uint8(x), uint8(y), uint8(x + y)}; !bytes.Equal(pix[3*i:][:3], want) {
			t.Fatalf("pixel %d, %d of the piece at %v: have %v, want %v", i%size, i/size, at, pix[3*i:][:3], want)
		}
	}
	return at
}

// directions are the eight answers as steps in the grid.
var directions = []image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}

// TestPairsFit: without gaps and jitter the second patch touches the first,
// where the answer says; with them it is moved by a gap, and each patch by up to
// the jitter. All distances that may be are met.
func TestPairsFit(t *testing.T) {
	for _, p := range []schemas.Pair{
		{Size: 20},
		{Size: 20, Gap: 10},
		{Size: 16, Gap: 8, Jitter: 2},
		{Size: 8, Gap: 1, Jitter: 2}, // patches that may overlap
		{Size: 1},
	} {
		p.Crop = whole
		src := viewtest.Coordinates(p.Side(), p.Side())
		for _, swap := range []float64{0, 1} {
			p.Swap = swap
			met := map[image.Point]bool{}
			for i := range 400 {
				views, answer := render(schemas.Recipe{Pair: &p}, src, i)
				first, second := place(t, views[0], p.Size), place(t, views[1], p.Size)
				met[second.Sub(first)] = true
				moved := second.Sub(first).Sub(directions[answer].Mul(p.Size + p.Gap))
				if farthest := max(moved.X, -moved.X, moved.Y, -moved.Y); farthest > 2*p.Jitter {
					t.Fatalf("%+v: answer %d: have patches at %v and %v, want the second %d pixels from the place", p, answer, first, second, 2*p.Jitter)
				}
				middle := first
				if swap == 1 {
					middle = second
				}
				atRest := image.Pt(1, 1).Mul(p.Size + p.Gap + p.Jitter)
				if off := middle.Sub(atRest); max(off.X, -off.X, off.Y, -off.Y) > p.Jitter {
					t.Fatalf("%+v: have the middle patch at %v, want it near %v", p, middle, atRest)
				}
			}
			if want := schemas.Neighbours; p.Jitter == 0 && len(met) != want {
				t.Errorf("%+v: have %d distances, want %d", p, len(met), want)
			}
		}
	}
}

// TestGridsFit: the nine patches come in reading order, each up to the jitter
// away from its place, and none reaches into the margin.
func TestGridsFit(t *testing.T) {
	for _, p := range []schemas.Pair{
		{Size: 20},
		{Size: 16, Gap: 8, Jitter: 2, Margin: 1},
		{Size: 8, Gap: 1, Jitter: 1, Margin: 3},
	} {
		p.Crop, p.Grid = whole, true
		src := viewtest.Coordinates(p.Side(), p.Side())
		for i := range 200 {
			views, answer := render(schemas.Recipe{Pair: &p}, src, i)
			if len(views) != schemas.Tiles || answer != 0 {
				t.Fatalf("%+v: have %d patches and the answer %d, want %d and 0", p, len(views), answer, schemas.Tiles)
			}
			for cell, pix := range views {
				rest := image.Pt(cell%3, cell/3).Mul(p.Size + p.Gap).Add(image.Pt(1, 1).Mul(p.Margin + p.Jitter))
				if off := place(t, pix, p.Size).Sub(rest); max(off.X, -off.X, off.Y, -off.Y) > p.Jitter {
					t.Fatalf("%+v: have patch %d %v away from its place, want at most the jitter", p, cell, off)
				}
			}
		}
	}
}

// TestFlippedPairs are pairs of the mirrored image: what the answer means stays.
func TestFlippedPairs(t *testing.T) {
	p := schemas.Pair{Size: 16, Gap: 4, Jitter: 2, Crop: whole, Flip: 1}
	src := viewtest.Coordinates(p.Side(), p.Side())
	for i := range 100 {
		views, answer := render(schemas.Recipe{Pair: &p}, src, i)
		var corner [2]image.Point
		for k, pix := range views {
			corner[k] = image.Pt(p.Side()-1-int(pix[0]), int(pix[1]))
			if pix[3] != pix[0]-1 {
				t.Fatalf("have red %d after %d, want x to fall", pix[3], pix[0])
			}
		}
		moved := corner[1].Sub(corner[0]).Sub(directions[answer].Mul(p.Size + p.Gap))
		if farthest := max(moved.X, -moved.X, moved.Y, -moved.Y); farthest > 2*p.Jitter {
			t.Fatalf("answer %d: have mirrored patches at %v, want them to fit", answer, corner)
		}
	}
}

// TestPairChance: answers, offsets and probabilities are as the recipe says,
// for pairs of both directions.
func TestPairChance(t *testing.T) {
	const n = 8000
	p := schemas.Pair{
		Size: 16, Gap: 8, Jitter: 3, Crop: whole,
		Flip: 0.5, Swap: 0.5, Resample: schemas.Resample{P: 0.33, MinSize: 10}, Gray: 0.25, Project: 0.75, Drop: 0.5,
	}
	draws := make([]view.DrawnPair, n)
	for i := range draws {
		draws[i] = view.DrawPair(p, 100, 100, view.ImageKey(1, 0, int64(i)))
	}
	check := func(name string, want float64, is func(view.DrawnPair) bool) {
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
	for answer := range schemas.Neighbours {
		check("answer", 1./8, func(d view.DrawnPair) bool { return d.Answer == answer })
		check("swapped answer", 1./16, func(d view.DrawnPair) bool { return d.Swap && d.Answer == answer })
	}
	check("flip", 0.5, func(d view.DrawnPair) bool { return d.Flip })
	check("gray", 0.25, func(d view.DrawnPair) bool { return d.Gray })
	check("project", 0.75, func(d view.DrawnPair) bool { return d.Project })
	for k := range 2 {
		check("resample", 0.33, func(d view.DrawnPair) bool { return d.Patches[k].Resample > 0 })
		for channel := range 3 {
			check("drop", 0.5/3, func(d view.DrawnPair) bool { return d.Patches[k].Keep == channel })
		}
		for side := 10; side < 16; side++ { // the area is uniform, so the side is not
			within := func(x float64) float64 { return (min(max(x, 10), 15)*min(max(x, 10), 15) - 100) / 125 }
			want := 0.33 * (within(float64(side)+0.5) - within(float64(side)-0.5))
			check("side", want, func(d view.DrawnPair) bool { return d.Patches[k].Resample == side })
		}
		for by := range 7 {
			check("x", 1./7, func(d view.DrawnPair) bool { return d.Patches[k].At.X%24 == by })
			check("y", 1./7, func(d view.DrawnPair) bool { return d.Patches[k].At.Y%24 == by })
		}
	}
	check("both drop", 0.25, func(d view.DrawnPair) bool { return d.Patches[0].Keep >= 0 && d.Patches[1].Keep >= 0 })
}

// TestPairSettingsDrawApart: whether one thing happens changes nothing about
// the others.
func TestPairSettingsDrawApart(t *testing.T) {
	full := published
	full.Flip, full.Gray, full.Project, full.Drop = 0.5, 0.5, 0.5, 0.5
	draw := func(p schemas.Pair) []view.DrawnPair {
		out := make([]view.DrawnPair, 50)
		for i := range out {
			out[i] = view.DrawPair(p, 400, 300, view.ImageKey(1, 0, int64(i)))
		}
		return out
	}
	for name, tc := range map[string]struct {
		omit   func(*schemas.Pair)
		forget func(*view.DrawnPair) // what may differ
	}{
		"flip":    {func(p *schemas.Pair) { p.Flip = 0 }, func(d *view.DrawnPair) { d.Flip = false }},
		"gray":    {func(p *schemas.Pair) { p.Gray = 0 }, func(d *view.DrawnPair) { d.Gray = false }},
		"project": {func(p *schemas.Pair) { p.Project = 0 }, func(d *view.DrawnPair) { d.Project = false }},
		"crop":    {func(p *schemas.Pair) { p.Crop = whole }, func(d *view.DrawnPair) { d.Box = image.Rectangle{} }},
		"resample": {func(p *schemas.Pair) { p.Resample.P = 0 }, func(d *view.DrawnPair) {
			d.Patches[0].Resample, d.Patches[1].Resample = 0, 0
		}},
		"swap": {func(p *schemas.Pair) { p.Swap = 0 }, func(d *view.DrawnPair) {
			if d.Swap {
				d.Swap, d.Answer = false, 7-d.Answer
				slices.Reverse(d.Patches[:])
			}
		}},
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

// TestPairColours: what each setting leaves of a coloured image.
func TestPairColours(t *testing.T) {
	src := viewtest.Coordinates(200, 200)
	for i, pix := range src.Pix { // away from the ends, where clipping hides what is asked for
		src.Pix[i] = 64 + pix/2
	}
	grey := func(p []byte) bool { return p[0] == p[1] && p[1] == p[2] }
	for _, tc := range []struct {
		name  string
		pair  schemas.Pair
		holds func(pixel []byte) bool
	}{
		{"gray", schemas.Pair{Gray: 1}, grey},
		{"gray and project", schemas.Pair{Gray: 1, Project: 1}, grey},
		{"project", schemas.Pair{Project: 1}, func(p []byte) bool {
			along := 2*int(p[1]) - int(p[0]) - int(p[2])
			return -2 <= along && along <= 2 // three roundings
		}},
		{"drop", schemas.Pair{Drop: 1}, func(p []byte) bool {
			noise := 0
			for _, v := range p {
				if v == 127 || v == 128 {
					noise++
				}
			}
			return noise >= 2
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.pair.Size, tc.pair.Gap, tc.pair.Crop = 40, 40, whole
			for i := range 20 {
				views, _ := render(schemas.Recipe{Pair: &tc.pair}, src, i)
				for _, pix := range views {
					for p := pix; len(p) > 0; p = p[3:] {
						if !tc.holds(p[:3]) {
							t.Fatalf("image %d: have a pixel of %v", i, p[:3])
						}
					}
				}
			}
		})
	}
}

// TestResampledPatches keep their mean and lose their pixels' pattern.
func TestResampledPatches(t *testing.T) {
	const size = 32
	board := view.NewRGB(3*size, 3*size)
	for i := range board.Pix {
		if (i/3%board.W+i/3/board.W)%2 == 0 {
			board.Pix[i] = 200
		}
	}
	p := schemas.Pair{Size: size, Crop: whole, Resample: schemas.Resample{P: 1, MinSize: 10}}
	for i := range 50 {
		views, _ := render(schemas.Recipe{Pair: &p}, board, i)
		d := view.DrawPair(p, board.W, board.H, view.ImageKey(7, 3, int64(i)))
		for k, pix := range views {
			mean, contrast := stats(pix)
			if math.Abs(mean-100) > 4 {
				t.Errorf("image %d: have a mean of %.1f, want 100", i, mean)
			}
			if side := d.Patches[k].Resample; side <= size/2 && contrast > 25 {
				t.Errorf("image %d, by way of %d pixels: have a standard deviation of %.1f, want the board gone", i, side, contrast)
			}
		}
	}
}

func stats(pix []byte) (mean, deviation float64) {
	sum, squares := 0.0, 0.0
	for _, v := range pix {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean = sum / float64(len(pix))
	return mean, math.Sqrt(squares/float64(len(pix)) - mean*mean)
}

// photo is an image with edges, colours and noise, of integers alone.
func photo(w, h int) *view.RGB {
	img := viewtest.Coordinates(w, h)
	for i := range img.Pix {
		img.Pix[i] ^= uint8(i * i >> 7 & 31)
	}
	return img
}

// TestGoldenPairs is TestGoldenViews for pairs.
func TestGoldenPairs(t *testing.T) {
	full := published
	full.Flip, full.Gray, full.Project, full.Drop = 0.5, 0.25, 0.5, 0.5
	for _, tc := range []struct {
		name string
		pair schemas.Pair
		want string
	}{
		{"published", published, "e9031740b182ae83"},
		{"all", full, "343f71b082ff839c"},
		{"grid", schemas.Pair{Size: 16, Gap: 8, Jitter: 1, Margin: 1, Grid: true, Crop: published.Crop, Flip: 0.5}, "49a2ad2889f0672c"},
		{"small", schemas.Pair{Size: 16, Gap: 8, Jitter: 1, Crop: published.Crop, Swap: 0.5, Project: 1}, "6a1061c58e93e1b9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkDigest(t, schemas.Recipe{Pair: &tc.pair}, tc.want)
		})
	}
}

// checkDigest holds all that a recipe makes of some images against a digest.
func checkDigest(t *testing.T, r schemas.Recipe, want string) {
	t.Helper()
	digest := sha256.New()
	for _, src := range []*view.RGB{photo(97, 61), photo(50, 120)} {
		for i := range 16 {
			views, answer := render(r, src, i)
			for _, pix := range views {
				digest.Write(pix)
			}
			digest.Write([]byte{byte(answer)})
		}
	}
	if have := hex.EncodeToString(digest.Sum(nil)[:8]); have != want {
		t.Errorf("views have changed: raise Version if that is meant; have digest %s, want %s", have, want)
	}
}

func BenchmarkPair(b *testing.B) {
	small := schemas.Pair{Size: 15, Gap: 8, Jitter: 1, Crop: published.Crop, Swap: 0.5}
	for name, p := range map[string]schemas.Pair{"patches=96": published, "patches=15": small} {
		b.Run(name, func(b *testing.B) { benchmark(b, schemas.Recipe{Pair: &p}) })
	}
}

// benchmark makes the views of a photo, another pair or jigsaw each time.
func benchmark(b *testing.B, r schemas.Recipe) {
	src := photo(250, 190)
	var renderer view.Renderer
	var views [][]byte
	for _, size := range r.Sizes() {
		views = append(views, make([]byte, 3*size*size))
	}
	i := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		renderer.RenderAll(views, src, r, view.ImageKey(1, 0, i))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
