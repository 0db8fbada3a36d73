package decode

import (
	"image"
	"image/color"

	"selfstream/stages/view"
)

// toRGB converts what the decoder of a format returns.
func toRGB(m image.Image, format string) *view.RGB {
	yuv := jpegYUV
	if format == "webp" {
		yuv = webpYUV
	}
	out := view.NewRGB(m.Bounds().Dx(), m.Bounds().Dy())
	switch m := m.(type) {
	case *image.YCbCr:
		fromYCbCr(out, m, yuv)
	case *image.NYCbCrA:
		fromYCbCr(out, &m.YCbCr, yuv)
	case *image.Gray:
		pick(out, m.Pix, m.Stride, 1, 0, 0, 0)
	case *image.Gray16:
		pick(out, m.Pix, m.Stride, 2, 0, 0, 0)
	case *image.NRGBA:
		pick(out, m.Pix, m.Stride, 4, 0, 1, 2)
	case *image.NRGBA64:
		pick(out, m.Pix, m.Stride, 8, 0, 2, 4)
	case *image.RGBA:
		if !m.Opaque() {
			fromAny(out, m)
			break
		}
		pick(out, m.Pix, m.Stride, 4, 0, 1, 2)
	case *image.RGBA64:
		if !m.Opaque() {
			fromAny(out, m)
			break
		}
		pick(out, m.Pix, m.Stride, 8, 0, 2, 4)
	case *image.Paletted:
		fromPaletted(out, m)
	case *image.CMYK:
		fromCMYK(out, m)
	default:
		fromAny(out, m)
	}
	return out
}

// pick takes three bytes of each pixel of size bytes: those at r, g and b.
func pick(out *view.RGB, pix []uint8, stride, size, r, g, b int) {
	for y := range out.H {
		row := pix[stride*y:][:size*out.W]
		to := out.Pix[3*out.W*y:][:3*out.W]
		for len(to) >= 3 {
			to[0], to[1], to[2] = row[r], row[g], row[b]
			to, row = to[3:], row[size:]
		}
	}
}

// yuv is a conversion to RGB, times 2¹⁶: its luma grows from black on, and its
// two colours, less 128, are weighted.
type yuv struct{ black, luma, rv, gu, gv, bu, round int32 }

var (
	// jpegYUV has the constants of color.YCbCrToRGB.
	jpegYUV = yuv{luma: 0x10101, rv: 91881, gu: 22554, gv: 46802, bu: 116130}

	// webpYUV is for lossy WebP, whose luma goes from 16 to 235 (ITU-R 601), as
	// package webp does not say: an image.YCbCr would come out with dull colours.
	webpYUV = yuv{black: 16, luma: 76309, rv: 104597, gu: 25675, gv: 53279, bu: 132201, round: 1 << 15}
)

// fromYCbCr converts an image that begins at (0, 0), as those of all decoders
// do. Neighbours that share a colour in the file share it here.
func fromYCbCr(out *view.RGB, m *image.YCbCr, c yuv) {
	shift := 0 // pixels that share a colour in a row, as a power of two
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		shift = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	for y := range out.H {
		luma := m.Y[m.YOffset(0, y):][:out.W]
		cb, cr := m.Cb[m.COffset(0, y):], m.Cr[m.COffset(0, y):]
		to := out.Pix[3*out.W*y:][:3*out.W]
		for x, l := range luma {
			l := (int32(l)-c.black)*c.luma + c.round
			u, v := int32(cb[x>>shift])-128, int32(cr[x>>shift])-128
			p := to[3*x:][:3]
			p[0] = upper(l + c.rv*v)
			p[1] = upper(l - c.gu*u - c.gv*v)
			p[2] = upper(l + c.bu*u)
		}
	}
}

// upper is x/2¹⁶, between 0 and 255.
func upper(x int32) uint8 {
	if uint32(x)&0xff000000 == 0 {
		return uint8(x >> 16)
	}
	return uint8(^(x >> 31))
}

func fromPaletted(out *view.RGB, m *image.Paletted) {
	var table [256][3]uint8 // black where the palette ends early
	for i, c := range m.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i] = [3]uint8{n.R, n.G, n.B}
	}
	for y := range out.H {
		to := out.Pix[3*out.W*y:]
		for x, i := range m.Pix[m.Stride*y:][:out.W] {
			copy(to[3*x:], table[i][:])
		}
	}
}

func fromCMYK(out *view.RGB, m *image.CMYK) {
	for y := range out.H {
		row := m.Pix[m.Stride*y:][:4*out.W]
		to := out.Pix[3*out.W*y:][:3*out.W]
		for len(to) >= 3 {
			to[0], to[1], to[2] = color.CMYKToRGB(row[0], row[1], row[2], row[3])
			to, row = to[3:], row[4:]
		}
	}
}

// fromAny is for what is rare, such as premultiplied transparency.
func fromAny(out *view.RGB, m image.Image) {
	b, to := m.Bounds(), out.Pix
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			to[0], to[1], to[2] = c.R, c.G, c.B
			to = to[3:]
		}
	}
}

// place puts img at a point of a black image of w×h pixels: a frame of a GIF
// may cover only a part of it.
func place(img *view.RGB, at image.Point, w, h int) *view.RGB {
	if img.W == w && img.H == h {
		return img
	}
	out := view.NewRGB(w, h)
	for y := range img.H {
		copy(out.Pix[3*(w*(at.Y+y)+at.X):], img.Pix[3*img.W*y:][:3*img.W])
	}
	return out
}
