package decode

import (
	"image"
	"image/color"
	"math"
	"testing"

	"selfstream/stages/random"
)

// TestToRGB compares the conversion of each kind of image, over rows with gaps,
// with asking for its pixels one at a time.
func TestToRGB(t *testing.T) {
	rect := image.Rect(0, 0, 13, 7)
	noise := func(pix ...[]uint8) {
		for i, p := range pix {
			for j := range p {
				p[j] = uint8(random.New(3).Fold(uint64(i)).Uint64(uint64(j)))
			}
		}
	}
	opaque := func(pix []uint8, size, alpha int) {
		for i := 0; i < len(pix); i += size {
			for j := alpha; j < size; j++ {
				pix[i+j] = 255
			}
		}
	}
	kinds := map[string]image.Image{}

	gray := image.NewGray(rect)
	noise(gray.Pix)
	kinds["gray"] = gray
	gray16 := image.NewGray16(rect)
	noise(gray16.Pix)
	kinds["gray, 16 bits"] = gray16
	cmyk := image.NewCMYK(rect)
	noise(cmyk.Pix)
	kinds["CMYK"] = cmyk
	nrgba := image.NewNRGBA(image.Rect(0, 0, 20, 7))
	noise(nrgba.Pix)
	kinds["NRGBA"] = nrgba.SubImage(rect)
	nrgba64 := image.NewNRGBA64(rect)
	noise(nrgba64.Pix)
	kinds["NRGBA64"] = nrgba64
	rgba := image.NewRGBA(rect)
	noise(rgba.Pix)
	opaque(rgba.Pix, 4, 3)
	kinds["RGBA"] = rgba
	rgba64 := image.NewRGBA64(rect)
	noise(rgba64.Pix)
	opaque(rgba64.Pix, 8, 6)
	kinds["RGBA64"] = rgba64

	premultiplied, premultiplied64 := image.NewRGBA(rect), image.NewRGBA64(rect)
	for y := range rect.Dy() {
		for x := range rect.Dx() {
			premultiplied.Set(x, y, nrgba.At(x, y))
			premultiplied64.Set(x, y, nrgba64.At(x, y))
		}
	}
	kinds["premultiplied"], kinds["premultiplied, 16 bits"] = premultiplied, premultiplied64

	paletted := image.NewPaletted(rect, nil)
	noise(paletted.Pix)
	for i := range 256 {
		paletted.Palette = append(paletted.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(7 * i), uint8(1 + i/2)})
	}
	kinds["palette"] = paletted

	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(rect, ratio)
		noise(m.Y, m.Cb, m.Cr)
		kinds[ratio.String()] = m
	}

	for name, m := range kinds {
		t.Run(name, func(t *testing.T) {
			have := toRGB(m, "")
			for y := range rect.Dy() {
				for x := range rect.Dx() {
					if have, want := pixel(have, x, y), straight(m.At(x, y)); have != want {
						t.Fatalf("at %d, %d: have %v, want %v", x, y, have, want)
					}
				}
			}
		})
	}
}

// straight is a colour without its transparency.
func straight(c color.Color) [3]uint8 {
	if c, ok := c.(color.NRGBA64); ok { // whose conversion to NRGBA rounds
		return [3]uint8{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)}
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [3]uint8{n.R, n.G, n.B}
}

// TestYUV goes through colours on a grid, ends included.
func TestYUV(t *testing.T) {
	clamp := func(x float64) float64 { return min(max(x, 0), 255) }
	for y := 0; y < 256; y += 3 {
		for cb := 0; cb < 256; cb += 5 {
			m := image.NewYCbCr(image.Rect(0, 0, 256, 1), image.YCbCrSubsampleRatio444)
			for cr := range 256 {
				m.Y[cr], m.Cb[cr], m.Cr[cr] = uint8(y), uint8(cb), uint8(cr)
			}
			jpeg, webp := toRGB(m, "jpeg"), toRGB(m, "webp")
			for cr := range 256 {
				var want [3]uint8
				want[0], want[1], want[2] = color.YCbCrToRGB(uint8(y), uint8(cb), uint8(cr))
				if have := pixel(jpeg, cr, 0); have != want {
					t.Fatalf("JPEG's %d, %d, %d: have %v, want %v", y, cb, cr, have, want)
				}
				// ITU-R 601 with 219 steps of luma and 224 of colour.
				l, u, v := 255./219*float64(y-16), 255./224*float64(cb-128), 255./224*float64(cr-128)
				for i, want := range []float64{l + 1.402*v, l - 0.344136*u - 0.714136*v, l + 1.772*u} {
					have := pixel(webp, cr, 0)[i]
					if math.Abs(float64(have)-clamp(want)) > 0.51 {
						t.Fatalf("WebP's %d, %d, %d: have %v, want %s = %.2f", y, cb, cr, pixel(webp, cr, 0), "rgb"[i:i+1], want)
					}
				}
			}
		}
	}
}
