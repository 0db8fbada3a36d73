package jpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selfstream/stages/view"
)

// files are those of testdata, by name.
func files(t testing.TB) map[string][]byte {
	paths, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("have %d files, error %v", len(paths), err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".jpg")] = data
	}
	return out
}

// whole decodes all of a file.
func whole(d *Decoder, data []byte, shrink int) ([]view.Plane, error) {
	p := Part{Region: image.Rect(0, 0, 1<<16, 1<<16), Shrink: shrink}
	err := d.Decode(data, &p)
	return p.Planes, err
}

// reference are the planes that image/jpeg makes of a file.
func reference(data []byte) (planes []view.Plane, picture Picture, err error) {
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, picture, err
	}
	b := m.Bounds()
	picture = Picture{W: b.Dx(), H: b.Dy()}
	plane := func(pix []byte, stride, stepX, stepY int) {
		p := view.Plane{W: (b.Dx() + stepX - 1) / stepX, H: (b.Dy() + stepY - 1) / stepY, StepX: stepX, StepY: stepY}
		for y := range p.H {
			p.Pix = append(p.Pix, pix[stride*y:][:p.W]...)
		}
		planes = append(planes, p)
	}
	switch m := m.(type) {
	case *image.Gray:
		plane(m.Pix, m.Stride, 1, 1)
	case *image.YCbCr:
		picture.YCbCr = true
		steps := map[image.YCbCrSubsampleRatio][2]int{
			image.YCbCrSubsampleRatio444: {1, 1}, image.YCbCrSubsampleRatio422: {2, 1}, image.YCbCrSubsampleRatio420: {2, 2},
			image.YCbCrSubsampleRatio440: {1, 2}, image.YCbCrSubsampleRatio411: {4, 1}, image.YCbCrSubsampleRatio410: {4, 2},
		}[m.SubsampleRatio]
		plane(m.Y, m.YStride, 1, 1)
		plane(m.Cb, m.CStride, steps[0], steps[1])
		plane(m.Cr, m.CStride, steps[0], steps[1])
	case *image.RGBA: // colours may have been subsampled; then it repeats them
		for c := range 3 {
			p := view.Plane{W: b.Dx(), H: b.Dy(), StepX: 1, StepY: 1}
			for i := c; i < len(m.Pix); i += 4 {
				p.Pix = append(p.Pix, m.Pix[i])
			}
			planes = append(planes, p)
		}
	default:
		return nil, picture, fmt.Errorf("image/jpeg makes a %T of it", m)
	}
	return planes, picture, nil
}

// compare tells where planes differ from a reference of full size.
func compare(have, want []view.Plane) error {
	if len(have) != len(want) {
		return fmt.Errorf("have %d planes, want %d", len(have), len(want))
	}
	for i, w := range want {
		h := have[i]
		for y := range w.H {
			for x := range w.W {
				// A reference of RGB has more samples than the file.
				sx, sy := x*w.StepX/h.StepX, y*w.StepY/h.StepY
				if a, b := h.Pix[h.W*sy+sx], w.Pix[w.W*y+x]; a != b {
					return fmt.Errorf("plane %d, sample %d, %d: have %d, want %d", i, x, y, a, b)
				}
			}
		}
	}
	return nil
}

// TestLikeImageJPEG: at full size, no sample differs in one bit, whatever the
// decoder has decoded before.
func TestLikeImageJPEG(t *testing.T) {
	var used Decoder
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			want, picture, err := reference(data)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []*Decoder{&used, new(Decoder)} {
				have, err := d.Header(data)
				if err != nil {
					t.Fatal(err)
				}
				if have != picture {
					t.Errorf("have %+v, want %+v", have, picture)
				}
				planes, err := whole(d, data, 1)
				if err != nil {
					t.Fatal(err)
				}
				if err := compare(planes, want); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestAllCoefficients: pictures with many and with few coefficients, small and
// large, up to the last of a block, so with all lengths of codes.
func TestAllCoefficients(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(width int) func(x, y int) float64 {
		return func(int, int) float64 { return float64(random.IntN(width) - width/2) }
	}
	var u, v int
	waves := func(x, y int) float64 { // one in each block
		if x%8 == 0 && y%8 == 0 {
			u, v = random.IntN(8), random.IntN(8)
		}
		return 100*basis(u, x%8, 8)*basis(v, y%8, 8)/2 + noise(1+x/20)(x, y)
	}
	var d Decoder
	for i, pixel := range []func(x, y int) float64{waves, noise(3), noise(30), noise(255)} {
		m := image.NewGray(image.Rect(0, 0, 160, 160))
		for by := 0; by < 160; by += 8 {
			for j := range 8 * 160 {
				x, y := j/64*8+j%8, by+j/8%8
				m.Pix[160*y+x] = uint8(min(max(128+pixel(x, y), 0), 255))
			}
		}
		for _, quality := range []int{1, 30, 75, 95, 100} {
			var data bytes.Buffer
			if err := jpeg.Encode(&data, m, &jpeg.Options{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			want, _, err := reference(data.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			have, err := whole(&d, data.Bytes(), 1)
			if err != nil {
				t.Fatalf("picture %d, quality %d: %v", i, quality, err)
			}
			if err := compare(have, want); err != nil {
				t.Errorf("picture %d, quality %d: %v", i, quality, err)
			}
		}
	}
}

// TestParts: a part has the same samples as the whole.
func TestParts(t *testing.T) {
	var d Decoder
	for name, data := range files(t) {
		for _, shrink := range []int{1, 2, 4, 8} {
			all, err := whole(new(Decoder), data, shrink)
			if err != nil {
				t.Fatal(err)
			}
			a := &Part{Region: image.Rect(9, 5, 30, 8), Shrink: shrink}
			b := &Part{Region: image.Rect(50, 0, 61, 43), Shrink: shrink}
			if err := d.Decode(data, a, b); err != nil {
				t.Fatal(err)
			}
			for _, p := range []*Part{a, b} {
				for i, plane := range p.Planes {
					covers := image.Rect(plane.X*plane.StepX, plane.Y*plane.StepY, (plane.X+plane.W)*plane.StepX, (plane.Y+plane.H)*plane.StepY)
					if !p.Region.In(covers) {
						t.Errorf("%s by %d: plane %d covers %v, want %v", name, shrink, i, covers, p.Region)
					}
					for y := range plane.H {
						have := plane.Pix[plane.W*y:][:plane.W]
						want := all[i].Pix[all[i].W*(plane.Y+y)+plane.X:][:plane.W]
						if !bytes.Equal(have, want) {
							t.Fatalf("%s by %d: plane %d, row %d: have %v, want %v", name, shrink, i, y, have, want)
						}
					}
				}
			}
		}
	}
}

// TestShrunkByLoops compares with the definition in float64: a cosine transform
// of the lowest frequencies.
func TestShrunkByLoops(t *testing.T) {
	quant := [64]int32{}
	for i := range quant {
		quant[i] = int32(3 + i%5)
	}
	for _, size := range []int{8, 4, 2, 1} {
		for seed := range 50 {
			var b block
			for i := range b {
				b[i] = int16((seed*37+i*101)%41-20) / int16(1+i/4)
			}
			b[0] = int16(seed*9 - 200)
			have := make([]uint8, size*size)
			p := &Part{comps: [3]target{{plane: &view.Plane{W: size, Pix: have}, size: size, blocks: image.Rect(0, 0, 1, 1)}}}
			p.render(0, &b, &quant, 63, 0, 0)
			for y := range size {
				for x := range size {
					sum := 0.0
					for u := range size {
						for v := range size {
							f := float64(b[8*u+v]) * float64(quant[8*u+v]) / 8
							sum += f * basis(u, x, size) * basis(v, y, size)
						}
					}
					want := min(max(sum+128, 0), 255)
					if d := math.Abs(float64(have[size*y+x]) - want); d > 0.6 {
						t.Fatalf("size %d, seed %d, at %d, %d: have %d, want %.2f", size, seed, x, y, have[size*y+x], want)
					}
				}
			}
		}
	}
}

// basis is the u-th cosine of length n at x, 1 for the lowest.
func basis(u, x, n int) float64 {
	if u == 0 {
		return 1
	}
	return math.Sqrt2 * math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*n))
}

// TestFlat: blocks that have nothing but their mean come out as from the
// transform.
func TestFlat(t *testing.T) {
	quant := [64]int32{1}
	for dc := -32768; dc < 32768; dc += 7 {
		b := block{int16(dc)}
		have, want := make([]uint8, 64), make([]uint8, 64)
		flat(have, 8, 8, int32(dc))
		idct8Loops(want, 8, &b, &quant)
		if !bytes.Equal(have, want) {
			t.Fatalf("mean %d: have %d, want %d", dc, have[0], want[0])
		}
	}
}

// TestVectors: both builds have the same bits, even where sums overflow.
func TestVectors(t *testing.T) {
	next := uint32(1)
	random := func() int32 {
		next = next*1664525 + 1013904223
		return int32(next) >> 8
	}
	for i := range 2000 {
		var b block
		var quant [64]int32
		for k := range b {
			quant[k] = random()&0xff + 1
			b[k] = int16(random() >> (8 + uint(i)%12))
			if i%100 == 0 {
				quant[k], b[k] = random()&0xffff, int16(random())
			}
		}
		for _, do := range [][2]func([]uint8, int, *block, *[64]int32){{idct8, idct8Loops}, {idct4, idct4Loops}} {
			have, want := make([]uint8, 100), make([]uint8, 100)
			do[0](have, 12, &b, &quant)
			do[1](want, 12, &b, &quant)
			if !bytes.Equal(have, want) {
				t.Fatalf("block %d: have %v, want %v", i, have, want)
			}
		}
	}
}

// TestRefuses: files that are cut off, or of another kind.
func TestRefuses(t *testing.T) {
	var d Decoder
	for name, data := range files(t) {
		for n := len(data) - 1; n >= 0; n -= 13 {
			if _, err := whole(&d, data[:n], 1); err == nil {
				t.Errorf("%s: have no error for the first %d of %d bytes", name, n, len(data))
			}
		}
	}
	cmyk, err := os.ReadFile("../testdata/cmyk.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := whole(&d, cmyk, 1); err == nil {
		t.Error("CMYK: have no error")
	}
}

// FuzzDecode: whatever is decoded here, image/jpeg decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, data := range files(f) {
		f.Add(data)
	}
	var gray bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 20, 10))
	m.SetGray(3, 3, color.Gray{200})
	if err := jpeg.Encode(&gray, m, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(gray.Bytes())
	var d Decoder
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := d.Header(data); err != nil || p.W*p.H > 1<<16 {
			return
		}
		have, err := whole(&d, data, 1)
		if err != nil {
			return
		}
		want, _, err := reference(data)
		if err != nil {
			t.Fatalf("have no error, want %v", err)
		}
		if err := compare(have, want); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	m := image.NewRGBA(image.Rect(0, 0, 512, 384))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i>>7 ^ i/512)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, nil); err != nil {
		b.Fatal(err)
	}
	for _, shrink := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("shrink=%d", shrink), func(b *testing.B) {
			var d Decoder
			p := &Part{Region: image.Rect(0, 0, 512, 384), Shrink: shrink}
			b.SetBytes(int64(data.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Decode(data.Bytes(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("image/jpeg", func(b *testing.B) {
		b.SetBytes(int64(data.Len()))
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(data.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
