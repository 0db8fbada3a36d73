package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// Need is a part of an image, and what it is resized to.
type Need struct {
	Box  image.Rectangle
	Size image.Point
}

// Needs is all that RenderAll will look at of an image of w×h pixels, for the
// same recipe and key. It takes no pixels to know.
func Needs(recipe schemas.Recipe, w, h int, key random.Key) []Need {
	need := func(box image.Rectangle, side int) Need { return Need{box, image.Pt(side, side)} }
	switch {
	case recipe.Pair != nil:
		return []Need{need(DrawPair(*recipe.Pair, w, h, key).Box, recipe.Pair.Side())}
	case recipe.Jigsaw != nil:
		return []Need{need(DrawJigsaw(*recipe.Jigsaw, w, h, key).Box, recipe.Jigsaw.Side())}
	}
	all := make([]Need, len(recipe.Views))
	for i, v := range recipe.Views {
		all[i] = need(Draw(v, w, h, key.Fold(uint64(i))).Box, v.Size)
	}
	return all
}
