package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of a recipe.
const (
	MaxViews        = 64     // of one image
	MaxSize         = 1024   // side of a view, in pixels
	MaxGrid         = 4096   // side of a grid that patches and tiles are cut from, in pixels
	MaxPermutations = 10_000 // of a jigsaw
)

// Recipe says what an augmenter makes of one image: exactly one of its fields
// is set. A method writes it, it travels in every Split, and package view
// carries it out.
type Recipe struct {
	Views  []View  `json:"views,omitempty"`  // distorted crops, in the order in which the method takes them
	Pair   *Pair   `json:"pair,omitempty"`   // two patches, whose answer is where the second lies, or all patches of a grid
	Jigsaw *Jigsaw `json:"jigsaw,omitempty"` // nine shuffled tiles, whose answer is how they are shuffled
}

// Sizes are the sides of the views that are made of one image, in pixels and
// in the order of the views.
func (r Recipe) Sizes() []int {
	switch {
	case r.Pair != nil:
		return slices.Repeat([]int{r.Pair.Size}, r.Pair.Patches())
	case r.Jigsaw != nil:
		return slices.Repeat([]int{r.Jigsaw.Size}, Tiles)
	}
	sizes := make([]int, len(r.Views))
	for i, v := range r.Views {
		sizes[i] = v.Size
	}
	return sizes
}

// Answers is how many answers there are to choose from: each image comes with
// one of 0 … Answers()−1. It is 0 for recipes that ask nothing.
func (r Recipe) Answers() int {
	switch {
	case r.Pair != nil:
		return Neighbours
	case r.Jigsaw != nil:
		return len(r.Jigsaw.Permutations)
	}
	return 0
}

// BytesPerImage is the size of all views of one image, in bytes.
func (r Recipe) BytesPerImage() int {
	n := 0
	for _, size := range r.Sizes() {
		n += size * size * 3
	}
	return n
}

// Validate reports the first setting that cannot be carried out. It wraps
// ErrInvalid.
func (r Recipe) Validate() error {
	set := 0
	for _, is := range []bool{len(r.Views) > 0, r.Pair != nil, r.Jigsaw != nil} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return invalid("recipe: have %d of views, pair and jigsaw, want exactly one", set)
	case r.Pair != nil:
		return within("pair", r.Pair.validate())
	case r.Jigsaw != nil:
		return within("jigsaw", r.Jigsaw.validate())
	case len(r.Views) > MaxViews:
		return invalid("recipe: have %d views, want at most %d", len(r.Views), MaxViews)
	}
	for i, v := range r.Views {
		if err := within(fmt.Sprintf("view %d", i), v.validate()); err != nil {
			return err
		}
	}
	return nil
}

// within says of which part of a recipe an error of its validation is.
func within(part string, err error) error {
	if err == nil {
		return nil
	}
	return invalid("%s: %s", part, strings.TrimPrefix(err.Error(), ErrInvalid.Error()+": "))
}

func checkSize(size int) error {
	if size < 1 || size > MaxSize {
		return invalid("size: have %d, want 1 to %d", size, MaxSize)
	}
	return nil
}

type probability struct {
	name string
	p    float64
}

func checkProbabilities(all []probability) error {
	for _, f := range all {
		if !(0 <= f.p && f.p <= 1) {
			return invalid("%s: have probability %g, want 0 to 1", f.name, f.p)
		}
	}
	return nil
}
