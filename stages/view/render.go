package view

import (
	"selfstream/schemas"
	"selfstream/stages/random"
)

// Version stands for every bit that this package makes of an image. It goes
// into the fingerprint of an augmenter and must change whenever any view
// changes: see TestGoldenViews.
const Version = 1

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
func Render(dst []byte, src *RGB, v schemas.View, key random.Key) {
	new(Renderer).Render(dst, src, v, key)
}

// Center writes the middle of src into dst, size×size pixels of three bytes,
// with nothing left to chance: the shorter side is resized to size, and the
// same is cut off at both ends of the longer one (torchvision's Resize(size)
// and CenterCrop(size), bilinear with antialias).
func Center(dst []byte, src *RGB, size int) {
	new(Renderer).Center(dst, src, size)
}

// Renderer is Render and Center with memory that is used again from one view
// to the next. The zero value is ready; a Renderer serves one goroutine.
type Renderer struct {
	resizer resizer
	blurrer blurrer
	cutter  cutter
}

// RenderAll makes all views of src that a recipe asks for, and returns the
// answer, or 0 if the recipe asks nothing. dst has room for a view of each of
// recipe.Sizes(). The recipe must be valid.
func (r *Renderer) RenderAll(dst [][]byte, src *RGB, recipe schemas.Recipe, key random.Key) (answer int) {
	switch {
	case recipe.Pair != nil:
		d := DrawPair(*recipe.Pair, src.W, src.H, key)
		r.ApplyPair(dst, src, *recipe.Pair, d)
		return d.Answer
	case recipe.Jigsaw != nil:
		d := DrawJigsaw(*recipe.Jigsaw, src.W, src.H, key)
		r.ApplyJigsaw(dst, src, *recipe.Jigsaw, d)
		return d.Answer
	}
	for i, v := range recipe.Views {
		r.Render(dst[i], src, v, key.Fold(uint64(i)))
	}
	return 0
}

// Render is the function Render.
func (r *Renderer) Render(dst []byte, src *RGB, v schemas.View, key random.Key) {
	r.Apply(dst, src, v.Size, Draw(v, src.W, src.H, key))
}

// Apply carries out what was drawn for a view of src.
func (r *Renderer) Apply(dst []byte, src *RGB, size int, d Drawn) {
	img := square(dst, size)
	r.resizer.resize(img, src, d.Box)
	if d.Flip {
		flip(img)
	}
	d.jitter(img)
	if d.Gray {
		gray(img)
	}
	if d.Blur > 0 {
		r.blurrer.blur(img, d.Blur)
	}
	if d.Solarize < 256 {
		solarize(img, d.Solarize)
	}
}

// Center is the function Center.
func (r *Renderer) Center(dst []byte, src *RGB, size int) {
	r.resizer.center(square(dst, size), src)
}

// square is an image over the pixels of a view.
func square(pix []byte, size int) *RGB {
	return &RGB{W: size, H: size, Pix: pix[: 3*size*size : 3*size*size]}
}
