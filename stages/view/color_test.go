package view

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"

	"selfstream/stages/random"
)

// TestAdjustments checks colours whose answer is plain to see, on an image of
// two pixels.
func TestAdjustments(t *testing.T) {
	jitter := func(d Drawn) func(*canvas) {
		d.Order = [4]int{brightness, contrast, saturation, hue}
		return d.recolor
	}
	for _, tc := range []struct {
		name   string
		change func(*canvas)
		in     []uint8
		want   []uint8
	}{
		{"brightness 0", jitter(Drawn{Brightness: 0, Contrast: 1, Saturation: 1}), []uint8{9, 80, 255, 1, 2, 3}, []uint8{0, 0, 0, 0, 0, 0}},
		{"brightness 0.5", jitter(Drawn{Brightness: 0.5, Contrast: 1, Saturation: 1}), []uint8{9, 80, 255, 1, 2, 3}, []uint8{4, 40, 127, 0, 1, 1}},
		{"brightness 2", jitter(Drawn{Brightness: 2, Contrast: 1, Saturation: 1}), []uint8{9, 80, 255, 1, 2, 3}, []uint8{18, 160, 255, 2, 4, 6}},
		{"contrast 0", jitter(Drawn{Brightness: 1, Contrast: 0, Saturation: 1}), []uint8{10, 10, 10, 31, 31, 31}, []uint8{21, 21, 21, 21, 21, 21}}, // 20.5 rounds up
		{"contrast 2", jitter(Drawn{Brightness: 1, Contrast: 2, Saturation: 1}), []uint8{90, 90, 90, 110, 110, 110}, []uint8{80, 80, 80, 120, 120, 120}},
		{"saturation 0", jitter(Drawn{Brightness: 1, Contrast: 1, Saturation: 0}), []uint8{255, 0, 0, 7, 7, 7}, []uint8{76, 76, 76, 7, 7, 7}},
		{"saturation 2", jitter(Drawn{Brightness: 1, Contrast: 1, Saturation: 2}), []uint8{120, 100, 100, 7, 7, 7}, []uint8{134, 94, 94, 7, 7, 7}},
		{"hue by a third", jitter(Drawn{Brightness: 1, Contrast: 1, Saturation: 1, Hue: 1. / 3}), []uint8{200, 0, 0, 50, 50, 50}, []uint8{0, 200, 0, 50, 50, 50}},
		{"hue by minus a third", jitter(Drawn{Brightness: 1, Contrast: 1, Saturation: 1, Hue: -1. / 3}), []uint8{200, 0, 0, 50, 50, 50}, []uint8{5, 0, 200, 50, 50, 50}}, // PIL's circle has 255 parts, but comes round after 256
		{"gray", gray, []uint8{255, 0, 0, 0, 0, 255}, []uint8{76, 76, 76, 29, 29, 29}},
		{"solarize", func(c *canvas) { solarize(c, 128) }, []uint8{0, 127, 128, 129, 254, 255}, []uint8{0, 127, 127, 126, 1, 0}},
		{"solarize all", func(c *canvas) { solarize(c, 0) }, []uint8{0, 127, 128, 129, 254, 255}, []uint8{255, 128, 127, 126, 1, 0}},
		{"solarize nothing", func(c *canvas) { solarize(c, 256) }, []uint8{0, 127, 128, 129, 254, 255}, []uint8{0, 127, 128, 129, 254, 255}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			img := &RGB{W: 2, H: 1, Pix: bytes.Clone(tc.in)}
			on(img, tc.change)
			if !bytes.Equal(img.Pix, tc.want) {
				t.Errorf("%v: have %v, want %v", tc.in, img.Pix, tc.want)
			}
		})
	}
}

// TestProject compares with the matrix in the authors' program of the jigsaw.
func TestProject(t *testing.T) {
	matrix := [3][3]float64{{5. / 6, 1. / 3, -1. / 6}, {1. / 3, 1. / 3, 1. / 3}, {-1. / 6, 1. / 3, 5. / 6}}
	for r := 0; r < 256; r += 5 {
		for g := 0; g < 256; g += 5 {
			for b := 0; b < 256; b += 5 {
				img := &RGB{W: 1, H: 1, Pix: []uint8{uint8(r), uint8(g), uint8(b)}}
				on(img, project)
				for c, row := range matrix {
					want := min(max(row[0]*float64(r)+row[1]*float64(g)+row[2]*float64(b), 0), 255)
					if have := float64(img.Pix[c]); math.Abs(have-want) > 0.5+1e-9 {
						t.Fatalf("%d, %d, %d: have %v, want %g at channel %d", r, g, b, img.Pix, want, c)
					}
				}
			}
		}
	}
}

// TestDrop: one channel stays as it is; of the noise in the others, each value
// is as likely as the other, here and beside and in the other channel.
func TestDrop(t *testing.T) {
	const side = 96
	for keep := range 3 {
		img, src := scene(side, side), scene(side, side)
		on(img, func(c *canvas) { drop(c, keep, random.New(5)) })
		for c := range 3 {
			ones, beside, other, changed := 0, 0, 0, 0
			for i := c; i < len(img.Pix); i += 3 {
				v := img.Pix[i]
				if c == keep {
					if v != src.Pix[i] {
						changed++
					}
					continue
				}
				if v != 127 && v != 128 {
					t.Fatalf("have %d in a dropped channel, want 127 or 128", v)
				}
				ones += int(v - 127)
				if i >= 3 && img.Pix[i-3] == v {
					beside++
				}
				if img.Pix[i-c+(3-keep-c)] == v {
					other++
				}
			}
			if changed > 0 {
				t.Errorf("keeping channel %d: have %d pixels of it changed, want none", keep, changed)
			}
			if c == keep {
				continue
			}
			for name, have := range map[string]int{"ones": ones, "equal to the pixel before": beside, "equal to the other channel": other} {
				if n := side * side; math.Abs(float64(have)-float64(n)/2) > 5*math.Sqrt(float64(n)/4) {
					t.Errorf("keeping channel %d, channel %d: have %d of %d %s, want half", keep, c, have, n, name)
				}
			}
		}
	}
}

// TestFlip: an image of the same size is mirrored, whether the width is even or
// odd.
func TestFlip(t *testing.T) {
	for _, w := range []int{1, 2, 7, 8} {
		want := scene(w, 3)
		img := resized(want, image.Rect(0, 0, w, 3), w, 3, true)
		for y := range 3 {
			for x := range w {
				have, want := img.Pix[3*(w*y+x):][:3], want.Pix[3*(w*y+w-1-x):][:3]
				if !bytes.Equal(have, want) {
					t.Errorf("width %d, pixel %d, %d: have %v, want %v", w, x, y, have, want)
				}
			}
		}
	}
}

// TestHSV goes there and back over all colours on a grid: what is lost is what
// 8 bits of hue and saturation cost.
func TestHSV(t *testing.T) {
	for r := 0; r < 256; r += 5 {
		for g := 0; g < 256; g += 3 {
			for b := 0; b < 256; b += 5 {
				want := color.RGBA{uint8(r), uint8(g), uint8(b), 255}
				h, s, v := hsv(want.R, want.G, want.B)
				var have color.RGBA
				have.R, have.G, have.B = rgb(h, s, v)
				for _, d := range []int{int(have.R) - r, int(have.G) - g, int(have.B) - b} {
					if d < -6 || d > 6 {
						t.Fatalf("%v: have %v after %d, %d, %d", want, have, h, s, v)
					}
				}
			}
		}
	}
}
