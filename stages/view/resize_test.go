package view

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"testing"
)

// resizeByLoops is resize from the definition, in float64: every output is the
// mean of the inputs of its row, weighted by a triangle, and then the same of
// its column.
func resizeByLoops(src *RGB, box image.Rectangle, w, h int) []float64 {
	weights := func(in, out, o int) []float64 {
		scale := float64(in) / float64(out)
		width := max(1, scale)
		weights, sum := make([]float64, in), 0.0
		for i := range weights {
			distance := math.Abs(float64(i) + 0.5 - (float64(o)+0.5)*scale)
			weights[i] = max(0, 1-distance/width)
			sum += weights[i]
		}
		for i := range weights {
			weights[i] /= sum
		}
		return weights
	}
	out := make([]float64, 3*w*h)
	for y := range h {
		wy := weights(box.Dy(), h, y)
		for x := range w {
			wx := weights(box.Dx(), w, x)
			for c := range 3 {
				for j, wj := range wy {
					for i, wi := range wx {
						out[3*(w*y+x)+c] += wj * wi * float64(src.Pix[3*(src.W*(box.Min.Y+j)+box.Min.X+i)+c])
					}
				}
			}
		}
	}
	return out
}

func TestResizeByLoops(t *testing.T) {
	src := scene(53, 37)
	for _, tc := range []struct {
		box  image.Rectangle
		w, h int
	}{
		{image.Rect(0, 0, 53, 37), 16, 16},
		{image.Rect(0, 0, 53, 37), 53, 37},
		{image.Rect(0, 0, 53, 37), 1, 1},
		{image.Rect(5, 3, 25, 30), 64, 20},
		{image.Rect(52, 36, 53, 37), 8, 8},
		{image.Rect(10, 0, 11, 37), 7, 3},
		{image.Rect(3, 4, 45, 6), 5, 9},
	} {
		t.Run(fmt.Sprintf("%v to %d×%d", tc.box, tc.w, tc.h), func(t *testing.T) {
			have := resized(src, tc.box, tc.w, tc.h, false)
			for i, want := range resizeByLoops(src, tc.box, tc.w, tc.h) {
				// Two roundings to 8 bits.
				if math.Abs(float64(have.Pix[i])-want) > 1.01 {
					t.Fatalf("value %d: have %d, want %g", i, have.Pix[i], want)
				}
			}
		})
	}
}

// TestResizeKeepsFlatImages: weights add up to 1, also after rounding.
func TestResizeKeepsFlatImages(t *testing.T) {
	for _, value := range []uint8{0, 1, 128, 254, 255} {
		src := NewRGB(211, 97)
		for i := range src.Pix {
			src.Pix[i] = value
		}
		for _, size := range []int{1, 32, 96, 300} {
			have := resized(src, image.Rect(7, 5, 200, 96), size, size, false)
			if want := bytes.Repeat([]byte{value}, len(have.Pix)); !bytes.Equal(have.Pix, want) {
				t.Errorf("%d pixels of value %d: have others", size, value)
			}
		}
	}
}

// TestResizeStaysInTheBox: what lies around the box must not leak into a view.
func TestResizeStaysInTheBox(t *testing.T) {
	box := image.Rect(10, 6, 30, 25)
	resize := func(around uint8) []uint8 {
		src := scene(40, 30)
		for y := range src.H {
			for x := range src.W {
				if !image.Pt(x, y).In(box) {
					copy(src.Pix[3*(src.W*y+x):], []uint8{around, around, around})
				}
			}
		}
		return resized(src, box, 12, 12, false).Pix
	}
	if !bytes.Equal(resize(0), resize(255)) {
		t.Error("the surroundings of the box show")
	}
}

// TestCenter compares with resizing the whole image and cutting out the middle.
func TestCenter(t *testing.T) {
	for _, tc := range []struct{ w, h, size, wide, high, left, top int }{
		{60, 40, 20, 30, 20, 5, 0},
		{40, 60, 20, 20, 30, 0, 5},
		{50, 50, 20, 20, 20, 0, 0},
		{61, 40, 16, 24, 16, 4, 0},  // 24.4 is cut to 24
		{40, 53, 16, 16, 21, 0, 2},  // 2.5 is rounded to even
		{40, 58, 16, 16, 23, 0, 4},  // and so is 3.5
		{30, 20, 40, 60, 40, 10, 0}, // enlarged
		{1, 1000, 4, 4, 4000, 0, 1998},
	} {
		t.Run(fmt.Sprintf("%d×%d to %d", tc.w, tc.h, tc.size), func(t *testing.T) {
			src := scene(tc.w, tc.h)
			whole := resized(src, image.Rect(0, 0, tc.w, tc.h), tc.wide, tc.high, false)
			var want []byte
			for y := range tc.size {
				want = append(want, whole.Pix[3*(tc.wide*(tc.top+y)+tc.left):][:3*tc.size]...)
			}
			have := make([]byte, 3*tc.size*tc.size)
			Center(have, src, tc.size)
			if !bytes.Equal(have, want) {
				t.Error("have other pixels than the middle of the resized image")
			}
		})
	}
}
