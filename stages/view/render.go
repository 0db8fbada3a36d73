package view

import (
	"image"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// Version stands for every bit that this package makes of an image. It goes
// into the fingerprint of an augmenter and must change whenever any view
// changes: see TestGoldenViews.
const Version = 2

// Key is the key of one view of one image in one epoch: all chance of the view
// comes from it.
func Key(seed uint64, epoch int, image int64, view int) random.Key {
	return ImageKey(seed, epoch, image).Fold(uint64(view))
}

// ImageKey is the key of one image in one epoch: all chance of a recipe comes
// from it.
func ImageKey(seed uint64, epoch int, image int64) random.Key {
	return random.New(seed).Fold(keyBranch).Fold(uint64(epoch)).Fold(uint64(image))
}

// keyBranch keeps the keys of views apart from what else is drawn from a seed.
const keyBranch = 0x76696577 // "view"

// Render writes the view v of src into dst, Size×Size pixels of three bytes, in
// rows from top to bottom; it panics if dst is shorter. Equal arguments give
// equal bytes on every machine. The view must be valid (schemas.Recipe).
func Render(dst []byte, src Image, v schemas.View, key random.Key) {
	new(Renderer).Render(dst, src, v, key)
}

// Center writes the middle of src into dst, size×size pixels of three bytes,
// with nothing left to chance: the shorter side is resized to size, and the
// same is cut off at both ends of the longer one (torchvision's Resize(size)
// and CenterCrop(size), bilinear with antialias).
func Center(dst []byte, src Image, size int) {
	new(Renderer).Center(dst, src, size)
}

// Renderer is Render and Center with memory that is used again from one view
// to the next. The zero value is ready; a Renderer serves one goroutine.
type Renderer struct {
	resizer resizer
	blurrer blurrer
	cutter  cutter
	canvas  canvas
	split   Source // an RGB in planes
	drawn   Source // a canvas
}

// RenderAll makes all views of src that a recipe asks for, and returns the
// answer, or 0 if the recipe asks nothing. dst has room for a view of each of
// recipe.Sizes(). The recipe must be valid.
func (r *Renderer) RenderAll(dst [][]byte, src Image, recipe schemas.Recipe, key random.Key) (answer int) {
	w, h := src.Size()
	switch {
	case recipe.Pair != nil:
		d := DrawPair(*recipe.Pair, w, h, key)
		r.ApplyPair(dst, src, *recipe.Pair, d)
		return d.Answer
	case recipe.Jigsaw != nil:
		d := DrawJigsaw(*recipe.Jigsaw, w, h, key)
		r.ApplyJigsaw(dst, src, *recipe.Jigsaw, d)
		return d.Answer
	}
	for i, v := range recipe.Views {
		r.Render(dst[i], src, v, key.Fold(uint64(i)))
	}
	return 0
}

// Render is the function Render.
func (r *Renderer) Render(dst []byte, src Image, v schemas.View, key random.Key) {
	w, h := src.Size()
	r.Apply(dst, src, v.Size, Draw(v, w, h, key))
}

// Apply carries out what was drawn for a view of src.
func (r *Renderer) Apply(dst []byte, src Image, size int, d Drawn) {
	c := &r.canvas
	r.resize(c, src, d.Box, size, size, d.Flip)
	d.recolor(c)
	if d.Blur > 0 {
		r.blurrer.blur(c, d.Blur)
	}
	if d.Solarize < 256 {
		solarize(c, d.Solarize)
	}
	c.write(dst)
}

// Center is the function Center.
func (r *Renderer) Center(dst []byte, src Image, size int) {
	srcW, srcH := src.Size()
	w, h := size, size // of the resized source
	if srcW > srcH {
		w = size * srcW / srcH
	} else {
		h = size * srcH / srcW
	}
	at := image.Pt(halfToEven(w-size), halfToEven(h-size))
	part := image.Rectangle{at, at.Add(image.Pt(size, size))}
	r.window(&r.canvas, src, image.Rect(0, 0, srcW, srcH), image.Pt(w, h), part, false)
	r.canvas.write(dst)
}

// halfToEven is n/2, rounded to the even neighbour as Python's round does.
func halfToEven(n int) int { return (n + n/2%2) / 2 }
