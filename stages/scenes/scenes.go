// Package scenes draws a labelled set of pictures in code, the demonstration's
// data: pieces of painted pottery on littered ground. What is painted on a
// piece is its class; colours, shape, place, size, turn, light and ground are
// drawn alike for all classes, so that none of them gives the class away.
package scenes

import (
	"bytes"
	"fmt"
	"image"
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

// All yields a set of pictures as PNG files by their keys, such as
// "train/rings/0007.png": for each class, first so many to train on, then so
// many to test on. The number in the key is Draw's n.
func All(seed uint64, train, test int) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for class, p := range patterns {
			for n := range train + test {
				split := "train"
				if n >= train {
					split = "test"
				}
				key := fmt.Sprintf("%s/%s/%04d.png", split, p.name, n)
				if !yield(key, encode(Draw(seed, class, n))) {
					return
				}
			}
		}
	}
}

func encode(img *view.RGB) []byte {
	out := image.NewNRGBA(image.Rect(0, 0, img.W, img.H))
	for i := range img.W * img.H {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 0xff
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, out); err != nil {
		panic(err) // neither the buffer nor the size can fail
	}
	return buf.Bytes()
}

// Draw draws the n-th picture of a class, Size pixels square. The same
// arguments give the same pixels on every machine.
func Draw(seed uint64, class, n int) *view.RGB {
	key := random.New(seed).Fold(uint64(class)).Fold(uint64(n))
	return draw(key, patterns[class].repeat, patterns[class].at)
}
