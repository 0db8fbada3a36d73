package view

import (
	"image"
	"image/color"
	"testing"
)

func TestRGBIsAnImage(t *testing.T) {
	img := NewRGB(2, 3)
	copy(img.Pix[3*(2*2+1):], []byte{10, 20, 30})
	var m image.Image = img
	if have, want := m.Bounds(), image.Rect(0, 0, 2, 3); have != want {
		t.Errorf("bounds: have %v, want %v", have, want)
	}
	for _, tc := range []struct {
		x, y int
		want color.RGBA
	}{
		{1, 2, color.RGBA{10, 20, 30, 255}},
		{0, 2, color.RGBA{0, 0, 0, 255}},
		{2, 1, color.RGBA{0, 0, 0, 255}},
		{-1, 3, color.RGBA{0, 0, 0, 255}},
	} {
		if have := m.At(tc.x, tc.y); have != tc.want {
			t.Errorf("pixel %d, %d: have %v, want %v", tc.x, tc.y, have, tc.want)
		}
	}
}
