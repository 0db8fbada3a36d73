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
	return AppendNeeds(nil, recipe, w, h, key)
}

// AppendNeeds appends what Needs returns to all.
func AppendNeeds(all []Need, recipe schemas.Recipe, w, h int, key random.Key) []Need {
	need := func(box image.Rectangle, side int) Need { return Need{box, image.Pt(side, side)} }
	switch {
	case recipe.Pair != nil:
		return append(all, need(DrawPair(*recipe.Pair, w, h, key).Box, recipe.Pair.Side()))
	case recipe.Jigsaw != nil:
		return append(all, need(DrawJigsaw(*recipe.Jigsaw, w, h, key).Box, recipe.Jigsaw.Side()))
	}
	for i, v := range recipe.Views {
		all = append(all, need(Draw(v, w, h, key.Fold(uint64(i))).Box, v.Size))
	}
	return all
}
