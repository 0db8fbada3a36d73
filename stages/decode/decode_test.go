package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"selfstream/stages/view"
)

// The drawing of all tests is 48 pixels wide and 32 high, with a colour to each
// quarter, so that each way of lying wrong shows. testdata/make.py draws it too.
var quarters = [4]color.NRGBA{
	{230, 20, 30, 255}, {20, 160, 40, 255},
	{30, 40, 200, 255}, {250, 250, 250, 255},
}

func drawing() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			img.SetNRGBA(x, y, quarters[2*(y/16)+x/24])
		}
	}
	return img
}

// as converts the drawing to another kind of image.
func as[M interface {
	image.Image
	Set(x, y int, c color.Color)
}](m M) M {
	src := drawing()
	for y := range 32 {
		for x := range 48 {
			m.Set(x, y, src.At(x, y))
		}
	}
	return m
}

var size = image.Rect(0, 0, 48, 32)

func encode(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(t testing.TB, m image.Image) []byte {
	return encode(t, func(w io.Writer) error { return png.Encode(w, m) })
}

func encodeTIFF(t testing.TB, m image.Image, c tiff.CompressionType) []byte {
	return encode(t, func(w io.Writer) error { return tiff.Encode(w, m, &tiff.Options{Compression: c}) })
}

func testdata(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files is the drawing in every format and kind of pixel.
func files(t testing.TB) map[string][]byte {
	palette := color.Palette{color.Black}
	for _, c := range quarters {
		palette = append(palette, c)
	}
	paletted := as(image.NewPaletted(size, palette))

	// The colours are those of the drawing, though little of it can be seen.
	faint := drawing()
	for i := 3; i < len(faint.Pix); i += 4 {
		faint.Pix[i] = 9
	}
	faintPaletted := *paletted
	faintPaletted.Palette = nil
	for _, c := range palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		n.A = 9
		faintPaletted.Palette = append(faintPaletted.Palette, n)
	}

	// A first frame that covers all but the black rim, and a second one.
	frames := gif.GIF{
		Image: []*image.Paletted{paletted, image.NewPaletted(size, palette)},
		Delay: []int{0, 0},
	}

	out := map[string][]byte{
		"jpeg":                     encode(t, func(w io.Writer) error { return jpeg.Encode(w, drawing(), &jpeg.Options{Quality: 95}) }),
		"jpeg, gray":               encode(t, func(w io.Writer) error { return jpeg.Encode(w, as(image.NewGray(size)), &jpeg.Options{Quality: 95}) }),
		"png":                      encodePNG(t, drawing()),
		"png, transparent":         encodePNG(t, faint),
		"png, 16 bits":             encodePNG(t, as(image.NewNRGBA64(size))),
		"png, gray":                encodePNG(t, as(image.NewGray(size))),
		"png, gray, 16 bits":       encodePNG(t, as(image.NewGray16(size))),
		"png, palette":             encodePNG(t, paletted),
		"png, transparent palette": encodePNG(t, &faintPaletted),
		"gif":                      encode(t, func(w io.Writer) error { return gif.Encode(w, paletted, nil) }),
		"gif, animated":            encode(t, func(w io.Writer) error { return gif.EncodeAll(w, &frames) }),
		"bmp":                      encode(t, func(w io.Writer) error { return bmp.Encode(w, as(image.NewRGBA(size))) }),
		"bmp, palette":             encode(t, func(w io.Writer) error { return bmp.Encode(w, paletted) }),
		"tiff":                     encodeTIFF(t, as(image.NewRGBA(size)), tiff.Uncompressed),
		"tiff, deflate":            encodeTIFF(t, as(image.NewRGBA(size)), tiff.Deflate),
		"tiff, transparent":        encodeTIFF(t, faint, tiff.Deflate),
		"tiff, gray, 16 bits":      encodeTIFF(t, as(image.NewGray16(size)), tiff.Deflate),
		"tiff, palette":            encodeTIFF(t, paletted, tiff.Deflate),
	}
	for _, name := range []string{
		"progressive.jpg", "cmyk.jpg", "ycck.jpg", "side.jpg",
		"lossy.webp", "alpha.webp", "lossless.webp", "side.webp", "side.tif",
	} {
		out[name] = testdata(t, name)
	}
	return out
}

// pixel is the colour at a point.
func pixel(img *view.RGB, x, y int) [3]uint8 { return [3]uint8(img.Pix[3*(img.W*y+x):]) }

func TestImage(t *testing.T) {
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			img, err := Image(data, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if img.W != 48 || img.H != 32 {
				t.Fatalf("have %d×%d pixels, want 48×32", img.W, img.H)
			}
			tolerance := 0
			if format := Sniff(data); format == "jpeg" || name == "lossy.webp" || name == "alpha.webp" {
				tolerance = 3
			}
			for i, c := range quarters {
				want := [3]uint8{c.R, c.G, c.B}
				switch {
				case strings.Contains(name, "gray"):
					l := color.GrayModel.Convert(c).(color.Gray).Y
					want = [3]uint8{l, l, l}
				case name == "cmyk.jpg" || name == "ycck.jpg": // with black ink on top
					for i, v := range want {
						want[i] = uint8(int(v) * (255 - 20) / 255)
					}
				}
				x, y := 12+24*(i%2), 8+16*(i/2)
				if have := pixel(img, x, y); !near(have, want, tolerance) {
					t.Errorf("at %d, %d: have %v, want %v ± %d", x, y, have, want, tolerance)
				}
			}
		})
	}
}

func near(a, b [3]uint8, tolerance int) bool {
	for i := range a {
		if d := int(a[i]) - int(b[i]); d > tolerance || -d > tolerance {
			return false
		}
	}
	return true
}

// TestGIFFrameInItsPlace: a first frame that covers a part of the picture.
func TestGIFFrameInItsPlace(t *testing.T) {
	frame := image.NewPaletted(image.Rect(3, 1, 5, 3), color.Palette{color.White})
	data := encode(t, func(w io.Writer) error {
		return gif.EncodeAll(w, &gif.GIF{
			Image: []*image.Paletted{frame}, Delay: []int{0},
			Config: image.Config{Width: 6, Height: 4, ColorModel: frame.Palette},
		})
	})
	img, err := Image(data, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for y := range 4 {
		for x := range 6 {
			var want [3]uint8
			if image.Pt(x, y).In(frame.Rect) {
				want = [3]uint8{255, 255, 255}
			}
			if have := pixel(img, x, y); have != want {
				t.Errorf("at %d, %d: have %v, want %v", x, y, have, want)
			}
		}
	}
}

// pngClaiming is the beginning of a PNG that claims w×h pixels.
func pngClaiming(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	header := binary.BigEndian.AppendUint32(nil, w)
	header = binary.BigEndian.AppendUint32(header, h)
	return appendChunk(b, "IHDR", append(header, 8, 2, 0, 0, 0))
}

func appendChunk(b []byte, kind string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	body := append([]byte(kind), data...)
	return binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
}

func TestRefuses(t *testing.T) {
	whole := files(t)
	cut := func(name string, n int) []byte { return whole[name][:n] }
	half := func(name string) []byte { return cut(name, len(whole[name])/2) }
	last := func(name string) []byte { return cut(name, len(whole[name])-1) }
	gifOfNothing := bytes.Clone(whole["gif"])
	copy(gifOfNothing[6:], []byte{0, 0, 0, 0})
	noAdobe := bytes.Replace(whole["cmyk.jpg"], []byte("Adobe"), []byte("adobe"), 1)

	for _, tc := range []struct {
		name   string
		data   []byte
		limits Limits
		want   string // in the error
	}{
		{"nothing", nil, DefaultLimits(), "the file is empty"},
		{"text", []byte("a picture of a flower"), DefaultLimits(), "looks like text/plain"},
		{"a page", []byte("<!DOCTYPE html><p>404"), DefaultLimits(), "looks like text/html"},
		{"a huge claim", pngClaiming(100_000, 100_000), DefaultLimits(), "decoding png: it claims 100000×100000 pixels, more than the limit of 100000000 in all and 65535 a side"},
		{"a claim beyond 64 bits", pngClaiming(1<<31-1, 1<<31-1), DefaultLimits(), "decoding png: "},
		{"a side too long", pngClaiming(1<<16, 1), DefaultLimits(), "it claims 65536×1 pixels"},
		{"one pixel too many", whole["png"], Limits{Bytes: 1 << 20, Pixels: 48*32 - 1}, "it claims 48×32 pixels, more than the limit of 1535"},
		{"one byte too many", whole["png"], Limits{Bytes: int64(len(whole["png"])) - 1, Pixels: 1 << 20}, "bytes, more than the limit of"},
		{"no pixels", gifOfNothing, DefaultLimits(), "decoding gif: it has 0×0 pixels"},
		{"CMYK that does not say how", noAdobe, DefaultLimits(), "Adobe"},
		{"animated WebP", testdata(t, "animated.webp"), DefaultLimits(), "decoding webp: animations are not supported"},
		{"half a JPEG", half("jpeg"), DefaultLimits(), "decoding jpeg: truncated: unexpected EOF"},
		{"JPEG without its last byte", last("jpeg"), DefaultLimits(), "decoding jpeg: truncated: unexpected EOF"},
		{"half a progressive JPEG", half("progressive.jpg"), DefaultLimits(), "decoding jpeg: truncated: unexpected EOF"},
		{"half a PNG", half("png"), DefaultLimits(), "decoding png: png: invalid format: not enough pixel data"},
		{"half a lossy WebP", half("lossy.webp"), DefaultLimits(), "decoding webp: truncated: unexpected EOF"},
		{"half a lossless WebP", half("lossless.webp"), DefaultLimits(), "decoding webp: truncated: unexpected EOF"},
		{"half a GIF", half("gif"), DefaultLimits(), "decoding gif: gif: not enough image data"},
		{"half a BMP", half("bmp"), DefaultLimits(), "decoding bmp: truncated: unexpected EOF"},
		{"half a TIFF", half("tiff"), DefaultLimits(), "decoding tiff: truncated: EOF"},
		{"JPEG of three bytes", cut("jpeg", 3), DefaultLimits(), "decoding jpeg: truncated"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			img, err := Image(tc.data, tc.limits)
			if err == nil {
				t.Fatalf("have an image of %d×%d pixels, want an error", img.W, img.H)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %q, want %q in it", err, tc.want)
			}
		})
	}
}

// TestFingerprint holds the versions against go.mod.
func TestFingerprint(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for path, have := range map[string]string{
		"golang.org/x/image":       imageVersion,
		"github.com/bep/imagemeta": imagemetaVersion,
	} {
		want := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(path) + ` (\S+)`).FindSubmatch(mod)
		if want == nil || string(want[1]) != have {
			t.Errorf("%s: have version %s, want that of go.mod, %s", path, have, want)
		}
	}
	for _, want := range []string{imageVersion, imagemetaVersion, runtime.Version(), runtime.GOARCH} {
		if have := Fingerprint(); !strings.Contains(have, want) {
			t.Errorf("have fingerprint %q, want %q in it", have, want)
		}
	}
}

// FuzzImage: whatever decodes is whole, within the limits, and the same the
// next time.
func FuzzImage(f *testing.F) {
	for _, data := range files(f) {
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add(testdata(f, "animated.webp"))
	f.Add(pngClaiming(100_000, 100_000))
	limits := Limits{Bytes: 1 << 16, Pixels: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Image(data, limits)
		if err != nil {
			if strings.Contains(err.Error(), "panicked") {
				t.Log(err) // the decoder's fault, and contained
			}
			return
		}
		if img.W < 1 || img.H < 1 || int64(img.W)*int64(img.H) > limits.Pixels || len(img.Pix) != 3*img.W*img.H {
			t.Fatalf("have %d×%d pixels in %d bytes, want at most %d pixels of 3 bytes", img.W, img.H, len(img.Pix), limits.Pixels)
		}
		again, err := Image(data, limits)
		if err != nil || !bytes.Equal(again.Pix, img.Pix) {
			t.Fatalf("the second time: have error %v and other pixels, want the same", err)
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	for _, side := range []int{256, 1024} {
		b.Run(fmt.Sprintf("side=%d", side), func(b *testing.B) {
			img := image.NewRGBA(image.Rect(0, 0, side, side))
			for i := range img.Pix {
				img.Pix[i] = uint8(i*i>>7 ^ i/side)
			}
			data := encode(b, func(w io.Writer) error { return jpeg.Encode(w, img, nil) })
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Image(data, DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
