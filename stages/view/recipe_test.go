package view_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/view"
	"selfstream/stages/view/viewtest"
)

// FuzzRecipe: whatever recipe is valid can be carried out on any image, twice
// with the same bytes, and has an answer of those there are.
func FuzzRecipe(f *testing.F) {
	for _, r := range []schemas.Recipe{
		{Views: []schemas.View{{Size: 8, Crop: published.Crop, Flip: 0.5, Jitter: schemas.Jitter{P: 1, Hue: 0.5}, Blur: schemas.Blur{P: 1, SigmaMin: 1, SigmaMax: 2}}}},
		{Pair: &schemas.Pair{Size: 8, Gap: 4, Jitter: 1, Crop: whole, Swap: 0.5, Resample: schemas.Resample{P: 1, MinSize: 3}, Drop: 0.5}},
		{Pair: &schemas.Pair{Size: 2, Crop: published.Crop, Gray: 0.5, Project: 0.5, Resample: schemas.Resample{P: 1, MinSize: 1}}},
		{Jigsaw: &schemas.Jigsaw{Size: 4, Cell: 7, Shift: 3, Crop: whole, Project: 1, Permutations: orders}},
	} {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(20), uint8(9))
	}
	f.Fuzz(func(t *testing.T, text []byte, w, h uint8) {
		var r schemas.Recipe
		if json.Unmarshal(text, &r) != nil || r.Validate() != nil || large(r) {
			return
		}
		src := viewtest.Coordinates(int(w)+1, int(h)+1)
		var renderer view.Renderer
		var first [][]byte
		for range 2 {
			var views [][]byte
			for _, size := range r.Sizes() {
				views = append(views, make([]byte, 3*size*size))
			}
			answer := renderer.RenderAll(views, src, r, view.ImageKey(1, 2, 3))
			if answer < 0 || answer >= max(r.Answers(), 1) {
				t.Fatalf("have answer %d of %d", answer, r.Answers())
			}
			if first == nil {
				first = views
			}
			for i := range views {
				if !bytes.Equal(views[i], first[i]) {
					t.Fatalf("view %d: have other bytes the second time", i)
				}
			}
		}
	})
}

// large tells whether a recipe would take too long for many of its kind.
func large(r schemas.Recipe) bool {
	side := 0
	switch {
	case r.Pair != nil:
		side = r.Pair.Side()
	case r.Jigsaw != nil:
		side = r.Jigsaw.Side()
	}
	return side > 200 || r.BytesPerImage() > 1<<16
}
