// Package decode turns the bytes of an image file into RGB pixels.
package decode

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"runtime"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"selfstream/stages/view"
)

// Limits bounds what a file may ask for. They are checked before any pixel is
// decoded.
type Limits struct {
	Bytes  int64 // of the file
	Pixels int64 // that it claims to hold
}

// DefaultLimits suits photographs.
func DefaultLimits() Limits { return Limits{Bytes: 64 << 20, Pixels: 100e6} }

var formats = map[string]struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	"jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"png":  {png.DecodeConfig, png.Decode},
	"gif":  {gif.DecodeConfig, gif.Decode},
	"webp": {webp.DecodeConfig, webp.Decode},
	"bmp":  {bmp.DecodeConfig, bmp.Decode},
	"tiff": {tiff.DecodeConfig, tiff.Decode},
}

// Image decodes a file. The format is judged by content.
func Image(data []byte, l Limits) (img *view.RGB, err error) {
	if int64(len(data)) > l.Bytes {
		return nil, fmt.Errorf("file has %d bytes, the limit is %d", len(data), l.Bytes)
	}
	if len(data) == 0 {
		return nil, errors.New("empty file")
	}
	name := Sniff(data)
	if name == "" {
		return nil, fmt.Errorf("not an image: looks like %s", http.DetectContentType(data))
	}
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("decoding %s: damaged: %v", name, p)
		}
	}()
	f := formats[name]
	c, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", name, err)
	}
	if c.Width < 1 || c.Height < 1 || int64(c.Width) > l.Pixels/int64(c.Height) {
		return nil, fmt.Errorf("decoding %s: claims %d×%d pixels, the limit is %d", name, c.Width, c.Height, l.Pixels)
	}
	m, err := f.decode(bytes.NewReader(data))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("decoding %s: truncated: %w", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", name, err)
	}
	return toRGB(m), nil
}

func toRGB(m image.Image) *view.RGB {
	b := m.Bounds()
	out := view.NewRGB(b.Dx(), b.Dy())
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			out.Pix[i], out.Pix[i+1], out.Pix[i+2] = c.R, c.G, c.B
			i += 3
		}
	}
	return out
}

// Fingerprint names the decoders.
func Fingerprint() string {
	return "x/image v0.47.0 " + runtime.Version() + " " + runtime.GOARCH
}
