package decode

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"math"
	"slices"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/view"
)

// scenery is a picture of soft blots, edges and a little noise, like a photo.
func scenery(w, h int) *view.RGB {
	img, key := view.NewRGB(w, h), random.New(1)
	for y := range h {
		for x := range w {
			fx, fy := float64(x)/float64(w), float64(y)/float64(h)
			for c := range 3 {
				v := 120 + 60*math.Sin(7*fx+float64(c))*math.Cos(9*fy-float64(c))
				if math.Hypot(fx-0.4, fy-0.6) < 0.25 {
					v += 50
				}
				v += float64(key.Uint64(uint64(3*(w*y+x)+c)) & 7)
				img.Pix[3*(w*y+x)+c] = uint8(v)
			}
		}
	}
	return img
}

// crops is a recipe of random crops and nothing else.
func crops(sizes ...int) (r schemas.Recipe) {
	for _, size := range sizes {
		r.Views = append(r.Views, schemas.View{Size: size, Flip: 0.5, Crop: schemas.Crop{ScaleMin: 0.1, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3}})
	}
	return r
}

// views makes the views of a file.
func views(t testing.TB, d *Decoder, data []byte, r schemas.Recipe, key random.Key) [][]byte {
	t.Helper()
	src, err := d.Source(data, DefaultLimits(), func(w, h int) []view.Need { return view.Needs(r, w, h, key) })
	if err != nil {
		t.Fatal(err)
	}
	return render(src, r, key)
}

func render(src view.Image, r schemas.Recipe, key random.Key) (out [][]byte) {
	for _, size := range r.Sizes() {
		out = append(out, make([]byte, 3*size*size))
	}
	new(view.Renderer).RenderAll(out, src, r, key)
	return out
}

func meanDifference(a, b []byte) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}

// TestSourceIsClose: views of a file that is decoded in parts, shrunk, are
// nearly those of all its pixels, at all scales, and each does not depend on
// the others.
func TestSourceIsClose(t *testing.T) {
	photo := encode(t, func(w io.Writer) error {
		return stdjpeg.Encode(w, scenery(500, 375), &stdjpeg.Options{Quality: 90})
	})
	whole, err := Image(photo, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	scales := map[int]bool{}
	for i := range int64(20) {
		r, key := crops(200, 96, 48, 16), view.ImageKey(1, 0, i)
		for _, n := range view.Needs(r, whole.W, whole.H, key) {
			scales[view.Scale(n.Box, n.Size)] = true
		}
		have, want := views(t, &d, photo, r, key), render(whole, r, key)
		for k := range have {
			if diff := meanDifference(have[k], want[k]); diff > 2 {
				t.Errorf("image %d, view %d: have a mean difference of %.2f, want at most 2", i, k, diff)
			}
		}
		alone := crops(200)
		if !bytes.Equal(views(t, &d, photo, alone, key)[0], have[0]) {
			t.Errorf("image %d: have another view where it is the only one", i)
		}
	}
	if len(scales) != 4 {
		t.Errorf("have scales %v, want all four", scales)
	}
}

// TestSourceIsTurned: parts of an image that lies on its side or is mirrored
// are taken from the right place.
func TestSourceIsTurned(t *testing.T) {
	plain := encode(t, func(w io.Writer) error {
		return stdjpeg.Encode(w, scenery(120, 90), &stdjpeg.Options{Quality: 95})
	})
	var d Decoder
	for o := 1; o <= 8; o++ {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			exif := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(o)) + "\x00\x00\x00\x00\x00\x00"
			data := slices.Concat(plain[:2], []byte(exif), plain[2:])
			whole, err := Image(data, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if o >= 5 && whole.W != 90 {
				t.Fatalf("have width %d, want the image to be turned", whole.W)
			}
			for i := range int64(10) {
				r, key := crops(40, 12), view.ImageKey(1, 0, i)
				have, want := views(t, &d, data, r, key), render(whole, r, key)
				for k := range have {
					if diff := meanDifference(have[k], want[k]); diff > 2 {
						t.Errorf("image %d, view %d: have a mean difference of %.2f, want at most 2", i, k, diff)
					}
				}
			}
		})
	}
}

// TestSourceFallsBack: what the fast decoder does not know comes as from Image,
// and errors are the same.
func TestSourceFallsBack(t *testing.T) {
	var d Decoder
	r, key := crops(16), view.ImageKey(1, 0, 0)
	for name, data := range files(t) {
		if name == "jpeg, gray" || Sniff(data) != "jpeg" || name == "cmyk.jpg" || name == "ycck.jpg" {
			img, err := Image(data, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if diff := meanDifference(views(t, &d, data, r, key)[0], render(img, r, key)[0]); diff > 1 {
				t.Errorf("%s: have a mean difference of %.2f", name, diff)
			}
		}
		cut := data[:len(data)/2]
		_, want := Image(cut, DefaultLimits())
		src, have := d.Source(cut, DefaultLimits(), func(w, h int) []view.Need { return []view.Need{{Box: image.Rect(0, 0, 1, 1), Size: image.Pt(1, 1)}} })
		if want == nil || have == nil || have.Error() != want.Error() || src != nil {
			t.Errorf("%s, cut off: have %v, error %v, want %v", name, src, have, want)
		}
	}
}
