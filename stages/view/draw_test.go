package view

import (
	"image"
	"math"
	"reflect"
	"testing"

	"selfstream/schemas"
)

// draws draws n times for the view v of images of 40×30 pixels.
func draws(n int, v schemas.View) []Drawn {
	out := make([]Drawn, n)
	for i := range out {
		out[i] = Draw(v, 40, 30, Key(5, 0, int64(i), 0))
	}
	return out
}

// share is the part of ds for which is holds.
func share(ds []Drawn, is func(Drawn) bool) float64 {
	n := 0
	for _, d := range ds {
		if is(d) {
			n++
		}
	}
	return float64(n) / float64(len(ds))
}

func TestProbabilities(t *testing.T) {
	const n = 4000
	for _, p := range []float64{0, 0.2, 0.5, 1} {
		ds := draws(n, schemas.View{
			Size: 32, Crop: anyCrop, Flip: p, Gray: p,
			Jitter:   schemas.Jitter{P: p, Hue: 0.1},
			Blur:     schemas.Blur{P: p, SigmaMin: 1, SigmaMax: 2},
			Solarize: schemas.Solarize{P: p, Threshold: 128},
		})
		for name, is := range map[string]func(Drawn) bool{
			"flip":     func(d Drawn) bool { return d.Flip },
			"jitter":   func(d Drawn) bool { return d.Hue != 0 },
			"gray":     func(d Drawn) bool { return d.Gray },
			"blur":     func(d Drawn) bool { return d.Blur != 0 },
			"solarize": func(d Drawn) bool { return d.Solarize == 128 },
		} {
			if have, err := share(ds, is), 5*math.Sqrt(p*(1-p)/n); math.Abs(have-p) > err {
				t.Errorf("%s: have share %g, want %g ± %g", name, have, p, err)
			}
		}
	}
}

// TestFactors checks that factors are uniform in torchvision's ranges.
func TestFactors(t *testing.T) {
	const n = 4000
	ds := draws(n, schemas.View{
		Size: 32, Crop: anyCrop,
		Jitter: schemas.Jitter{P: 1, Brightness: 0.4, Contrast: 0.8, Saturation: 1.5, Hue: 0.1},
		Blur:   schemas.Blur{P: 1, SigmaMin: 0.1, SigmaMax: 2},
	})
	for _, tc := range []struct {
		name   string
		of     func(Drawn) float64
		lo, hi float64
	}{
		{"brightness", func(d Drawn) float64 { return d.Brightness }, 0.6, 1.4},
		{"contrast", func(d Drawn) float64 { return d.Contrast }, 0.2, 1.8},
		{"saturation", func(d Drawn) float64 { return d.Saturation }, 0, 2.5}, // never below 0
		{"hue", func(d Drawn) float64 { return d.Hue }, -0.1, 0.1},
		{"blur", func(d Drawn) float64 { return d.Blur }, 0.1, 2},
	} {
		for q := 0.0; q <= 1; q += 0.125 {
			want := tc.lo + q*(tc.hi-tc.lo)
			have := share(ds, func(d Drawn) bool { return tc.of(d) < want })
			if err := 5 * math.Sqrt(q*(1-q)/n); math.Abs(have-q) > err {
				t.Errorf("%s: have share %g below %g, want %g ± %g", tc.name, have, want, q, err)
			}
		}
	}
	for adjustment := range 4 {
		for place := range 4 {
			have := share(ds, func(d Drawn) bool { return d.Order[place] == adjustment })
			if math.Abs(have-0.25) > 5*math.Sqrt(0.25*0.75/n) {
				t.Errorf("order: have adjustment %d at place %d in a share of %g, want 0.25", adjustment, place, have)
			}
		}
	}
}

// TestOperationsDrawApart: whether one operation happens changes nothing about
// the others.
func TestOperationsDrawApart(t *testing.T) {
	full := simCLR(32)
	full.Solarize = schemas.Solarize{P: 0.3, Threshold: 128}
	for name, tc := range map[string]struct {
		omit   func(*schemas.View)
		forget func(*Drawn) // what may differ
	}{
		"flip":     {func(v *schemas.View) { v.Flip = 0 }, func(d *Drawn) { d.Flip = false }},
		"gray":     {func(v *schemas.View) { v.Gray = 0 }, func(d *Drawn) { d.Gray = false }},
		"blur":     {func(v *schemas.View) { v.Blur.P = 0 }, func(d *Drawn) { d.Blur = 0 }},
		"solarize": {func(v *schemas.View) { v.Solarize.P = 0 }, func(d *Drawn) { d.Solarize = 256 }},
		"crop": {
			func(v *schemas.View) { v.Crop.ScaleMin = 1 }, // which never fits
			func(d *Drawn) { d.Box = image.Rectangle{} },
		},
		"jitter": {
			func(v *schemas.View) { v.Jitter.P = 0 },
			func(d *Drawn) { d.Brightness, d.Contrast, d.Saturation, d.Hue, d.Order = 1, 1, 1, 0, [4]int{} },
		},
	} {
		without := full
		tc.omit(&without)
		have, want := draws(50, without), draws(50, full)
		for i := range want {
			tc.forget(&have[i])
			tc.forget(&want[i])
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("without %s, the others draw other values", name)
		}
	}
}

// TestBoxes: boxes lie inside images of any shape; where none fits, it is the
// one in the middle.
func TestBoxes(t *testing.T) {
	for _, tc := range []struct {
		w, h   int
		crop   schemas.Crop
		always image.Rectangle // if not empty
	}{
		{40, 30, anyCrop, image.Rectangle{}},
		{1, 1, anyCrop, image.Rect(0, 0, 1, 1)},
		{3, 2, schemas.Crop{ScaleMin: 1e-9, ScaleMax: 1, RatioMin: 0.5, RatioMax: 2}, image.Rectangle{}},
		{1000, 10, schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 0.75, RatioMax: 1.333}, image.Rect(493, 0, 506, 10)},
		{10, 1000, schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 0.75, RatioMax: 1.333}, image.Rect(0, 493, 10, 506)},
		{100, 101, schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 0.5, RatioMax: 0.6}, image.Rect(19, 0, 80, 101)},
		{5, 1, schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1e-300, RatioMax: 1e-299}, image.Rect(2, 0, 3, 1)},
		{1, 5, schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1e299, RatioMax: 1e300}, image.Rect(0, 2, 1, 3)},
	} {
		for i := range int64(200) {
			box := drawBox(tc.crop, tc.w, tc.h, Key(1, 0, i, 0))
			if box.Empty() || !box.In(image.Rect(0, 0, tc.w, tc.h)) {
				t.Fatalf("%d×%d, %+v: have box %v, want it inside", tc.w, tc.h, tc.crop, box)
			}
			if !tc.always.Empty() && box != tc.always {
				t.Fatalf("%d×%d, %+v: have box %v, want %v", tc.w, tc.h, tc.crop, box, tc.always)
			}
		}
	}
}

// TestTenAttempts follows a crop that seldom fits: the first of ten boxes that
// does is taken, and the middle if none does.
func TestTenAttempts(t *testing.T) {
	const w, h = 97, 61
	crop := schemas.Crop{ScaleMin: 0.9, ScaleMax: 1, RatioMin: 0.5, RatioMax: 2}
	ended := map[uint64]int{} // by attempt
	for i := range int64(1000) {
		key := Key(1, 0, i, 0)
		want := image.Rect(0, 0, w, h) // its own ratio is allowed
		attempt := uint64(0)
		for ; attempt < 10; attempt++ {
			area := w * h * key.Uniform(4*attempt, 0.9, 1)
			ratio := math.Exp(key.Uniform(4*attempt+1, math.Log(0.5), math.Log(2)))
			bw, bh := int(math.RoundToEven(math.Sqrt(area*ratio))), int(math.RoundToEven(math.Sqrt(area/ratio)))
			if bw <= w && bh <= h {
				top, left := key.IntN(4*attempt+2, h-bh+1), key.IntN(4*attempt+3, w-bw+1)
				want = image.Rect(left, top, left+bw, top+bh)
				break
			}
		}
		ended[attempt]++
		if have := drawBox(crop, w, h, key); have != want {
			t.Fatalf("image %d, after %d attempts: have %v, want %v", i, attempt, have, want)
		}
	}
	if ended[9] == 0 || ended[10] == 0 {
		t.Errorf("have ends %v, want some at the last attempt and some without a box", ended)
	}
}

func TestPower(t *testing.T) {
	for _, x := range []float64{0.01, 1 / math.E, 1, 16. / 9, 1e6} {
		for _, y := range []float64{0, 1e-9, 0.25, 0.5, 0.999999, 1, 1.5, 7, 40.3} {
			have, want := power(x, y), math.Pow(x, y)
			if math.Abs(have/want-1) > 1e-8 {
				t.Errorf("power(%g, %g): have %g, want %g", x, y, have, want)
			}
		}
	}
}
