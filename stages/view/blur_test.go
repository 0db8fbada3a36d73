package view

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

// TestBlurByLoops compares with the convolution with a Gaussian that is cut off
// much farther out, one pixel at a time.
func TestBlurByLoops(t *testing.T) {
	for _, tc := range []struct {
		w, h  int
		sigma float64
	}{
		{17, 13, 0.1}, {17, 13, 0.7}, {17, 13, 2}, {17, 13, 3.5},
		{3, 2, 2}, {1, 9, 1}, {1, 1, 3}, // smaller than the kernel
	} {
		t.Run(fmt.Sprintf("%d×%d σ=%g", tc.w, tc.h, tc.sigma), func(t *testing.T) {
			src, have := scene(tc.w, tc.h), scene(tc.w, tc.h)
			on(have, func(c *canvas) { new(blurrer).blur(c, tc.sigma) })
			reach := int(6*tc.sigma) + 1
			gauss := make([]float64, reach+1)
			for k := range gauss {
				gauss[k] = math.Exp(-float64(k*k) / (2 * tc.sigma * tc.sigma))
			}
			sum := 0.0
			for i := range have.Pix {
				x, y, c := i/3%tc.w, i/3/tc.w, i%3
				var mean, total float64
				for dy := -reach; dy <= reach; dy++ {
					for dx := -reach; dx <= reach; dx++ {
						weight := gauss[max(dx, -dx)] * gauss[max(dy, -dy)]
						from := src.Pix[3*(tc.w*bounce(y+dy, tc.h)+bounce(x+dx, tc.w))+c]
						mean += weight * float64(from)
						total += weight
					}
				}
				sum += math.Abs(float64(have.Pix[i]) - mean/total)
			}
			if mean := sum / float64(len(have.Pix)); mean > 0.4 { // 0.25 is the cost of 8 bits
				t.Errorf("have mean difference %.3f, want at most 0.4", mean)
			}
		})
	}
}

// bounce walks from 0 to i one step at a time and turns round at the ends.
func bounce(i, n int) int {
	at, step := 0, 1
	if i < 0 {
		i = -i
	}
	for range i {
		if n == 1 {
			return 0
		}
		if at+step < 0 || at+step >= n {
			step = -step
		}
		at += step
	}
	return at
}

func TestBlurKeepsFlatImages(t *testing.T) {
	for _, value := range []uint8{0, 1, 254, 255} {
		for _, sigma := range []float64{0.3, 1, 2, 64} {
			img := NewRGB(9, 7)
			for i := range img.Pix {
				img.Pix[i] = value
			}
			on(img, func(c *canvas) { new(blurrer).blur(c, sigma) })
			if want := bytes.Repeat([]byte{value}, len(img.Pix)); !bytes.Equal(img.Pix, want) {
				t.Errorf("σ=%g: have other values than %d", sigma, value)
			}
		}
	}
}
