package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// scene is an image with smooth parts, edges and noise, made of integers.
func scene(w, h int) *RGB {
	img := NewRGB(w, h)
	noise := random.New(99)
	for y := range h {
		for x := range w {
			p := img.Pix[3*(w*y+x):][:3]
			p[0], p[1], p[2] = uint8(255*x/w), uint8(255*y/h), uint8(128+64*((x/8+y/8)%2))
			if (x-w/3)*(x-w/3)+(y-h/2)*(y-h/2) < w*h/16 {
				p[0], p[2] = 240-p[0]/2, p[1]/3
			}
			for c := range p {
				p[c] ^= uint8(noise.Uint64(uint64(3*(w*y+x)+c)) & 7)
			}
		}
	}
	return img
}

var anyCrop = schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3}

// simCLR is the augmentation of Chen et al., 2020, https://arxiv.org/abs/2002.05709,
// appendix A, at strength 0.5.
func simCLR(size int) schemas.View {
	return schemas.View{
		Size: size, Crop: anyCrop, Flip: 0.5,
		Jitter: schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
		Gray:   0.2,
		Blur:   schemas.Blur{P: 0.5, SigmaMin: 0.1, SigmaMax: 2},
	}
}

// TestGoldenViews fails when one bit of one operation changes. If that is
// meant, raise Version and put the new digests here: two augmenters of the same
// fingerprint must never disagree about a pixel.
func TestGoldenViews(t *testing.T) {
	if Version != 2 {
		t.Fatalf("Version is %d, the digests below are of version 2", Version)
	}
	solarized := simCLR(64)
	solarized.Solarize = schemas.Solarize{P: 0.5, Threshold: 128}
	jitter := func(j schemas.Jitter) schemas.View {
		j.P = 1
		return schemas.View{Size: 40, Crop: anyCrop, Jitter: j}
	}
	for _, tc := range []struct {
		name string
		view schemas.View
		want string
	}{
		{"crop", schemas.View{Size: 40, Crop: anyCrop}, "0e5750aeddd3ec75"},
		{"crop, larger than the image", schemas.View{Size: 150, Crop: anyCrop}, "54ecddf0a8ed672f"},
		{"crop that never fits", schemas.View{Size: 40, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 3, RatioMax: 4}}, "6d5dd50af90e6449"},
		{"flip", schemas.View{Size: 40, Crop: anyCrop, Flip: 0.5}, "711fb630aa66224a"},
		{"brightness", jitter(schemas.Jitter{Brightness: 0.8}), "38e2bc02e82fb9e6"},
		{"contrast", jitter(schemas.Jitter{Contrast: 0.8}), "069dc4c5c46faac4"},
		{"saturation", jitter(schemas.Jitter{Saturation: 0.8}), "73931fa19df1b23c"},
		{"hue", jitter(schemas.Jitter{Hue: 0.5}), "0766213111e95e37"},
		{"jitter", jitter(schemas.Jitter{Brightness: 0.8, Contrast: 0.8, Saturation: 0.8, Hue: 0.2}), "e7007985f588345e"},
		{"gray", schemas.View{Size: 40, Crop: anyCrop, Gray: 1}, "7398c7f60b8936be"},
		{"blur", schemas.View{Size: 40, Crop: anyCrop, Blur: schemas.Blur{P: 1, SigmaMin: 0.1, SigmaMax: 4}}, "9343ea18dc46ce63"},
		{"solarize", schemas.View{Size: 40, Crop: anyCrop, Solarize: schemas.Solarize{P: 1, Threshold: 100}}, "e50225771950b492"},
		{"SimCLR, 32", simCLR(32), "e9c9824616a82d5f"},
		{"SimCLR, 96", simCLR(96), "b5cfbe7e9a5381ea"},
		{"all", solarized, "6ed78f4738fc462e"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			digest := sha256.New()
			for _, src := range []*RGB{scene(97, 61), scene(50, 120)} {
				for image := range int64(8) {
					dst := make([]byte, 3*tc.view.Size*tc.view.Size)
					Render(dst, src, tc.view, Key(7, 3, image, 1))
					digest.Write(dst)
				}
			}
			check(t, digest.Sum(nil), tc.want)
		})
	}
	t.Run("center", func(t *testing.T) {
		digest := sha256.New()
		for _, src := range []*RGB{scene(97, 61), scene(50, 120)} {
			for _, size := range []int{16, 61, 90} {
				dst := make([]byte, 3*size*size)
				Center(dst, src, size)
				digest.Write(dst)
			}
		}
		check(t, digest.Sum(nil), "a6fc2a38cf1b006b")
	})
}

func check(t *testing.T, digest []byte, want string) {
	t.Helper()
	if have := hex.EncodeToString(digest[:8]); have != want {
		t.Errorf("views have changed: raise Version if that is meant; have digest %s, want %s", have, want)
	}
}

// TestKeysDiffer: each of the five arguments of a view's chance decides.
func TestKeysDiffer(t *testing.T) {
	seen := map[random.Key]string{}
	for seed := range uint64(3) {
		for epoch := range 3 {
			for image := range int64(3) {
				for view := range 3 {
					name := fmt.Sprint(seed, epoch, image, view)
					key := Key(seed, epoch, image, view)
					if other, ok := seen[key]; ok {
						t.Errorf("keys of %s and %s are the same", name, other)
					}
					seen[key] = name
				}
			}
		}
	}
}

// TestRendererKeepsNothing: what a Renderer did before does not show.
func TestRendererKeepsNothing(t *testing.T) {
	var used Renderer
	for i, size := range []int{64, 17, 48} {
		for _, src := range []*RGB{scene(97, 61), scene(20, 30), scene(1, 1)} {
			v := simCLR(size)
			v.Blur.P = 1
			key := Key(1, 0, int64(i), 0)
			have, want := make([]byte, 3*size*size), make([]byte, 3*size*size)
			before := slices.Clone(src.Pix)
			used.Render(have, src, v, key)
			Render(want, src, v, key)
			if !bytes.Equal(have, want) {
				t.Errorf("%d×%d to %d: a used Renderer gives other pixels", src.W, src.H, size)
			}
			if !bytes.Equal(src.Pix, before) {
				t.Errorf("%d×%d to %d: the source has changed", src.W, src.H, size)
			}
		}
	}
}

// TestRenderStaysInItsPlace: views lie side by side in one message.
func TestRenderStaysInItsPlace(t *testing.T) {
	const size = 16
	dst := bytes.Repeat([]byte{77}, 3*size*size+10)
	Render(dst, scene(40, 30), simCLR(size), Key(1, 0, 0, 0))
	if tail := dst[3*size*size:]; !bytes.Equal(tail, bytes.Repeat([]byte{77}, 10)) {
		t.Errorf("behind the view: have %v, want it untouched", tail)
	}
}

func BenchmarkSimCLR(b *testing.B) {
	src := scene(500, 375)
	for _, size := range []int{32, 96, 224} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			var r Renderer
			dst := make([]byte, 3*size*size)
			image := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				r.Render(dst, src, simCLR(size), Key(1, 0, image, 0))
				image++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
		})
	}
}
