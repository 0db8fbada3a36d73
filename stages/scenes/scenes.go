// Package scenes draws a labelled set of pictures in code, the demonstration's
// data: painted pottery on littered ground. What is painted on a piece is its
// class. Colours, shape, place, light and ground are drawn alike for all
// classes, so that none of them gives the class away.
package scenes

import (
	"bytes"
	"fmt"
	"image/png"
	"iter"

	"selfstream/stages/random"
	"selfstream/stages/view"
)

// Classes are the names of the classes in the order of their labels.
func Classes() []string {
	names := make([]string, len(patterns))
	for i, p := range patterns {
		names[i] = p.name
	}
	return names
}

// Draw draws the n-th picture of a class, Size pixels square. The same
// arguments give the same pixels on every machine. It panics if there is no
// such class.
func Draw(seed uint64, class, n int) *view.RGB {
	key := random.New(seed).Fold(uint64(class)).Fold(uint64(n))
	return draw(key, patterns[class].repeat, patterns[class].at)
}

// All yields a set of pictures as PNG files by their keys, such as
// "train/rings/0007.png". Of each class the pictures from 0 on are to train on,
// and those that follow are to test on; the number in a key is Draw's n.
func All(seed uint64, train, test int) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for class, name := range Classes() {
			for n := range train + test {
				split := "train"
				if n >= train {
					split = "test"
				}
				key := fmt.Sprintf("%s/%s/%04d.png", split, name, n)
				if !yield(key, encode(Draw(seed, class, n))) {
					return
				}
			}
		}
	}
}

func encode(img *view.RGB) []byte {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		panic(err) // a buffer takes all, and the size is a good one
	}
	return buf.Bytes()
}
