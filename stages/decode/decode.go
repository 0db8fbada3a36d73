// Package decode turns the bytes of an image file into RGB pixels.
//
// Pixels are what PIL's convert("RGB") makes of the same file, within what
// decoders differ: grey is repeated, palettes are looked up, CMYK is mixed, of
// 16 bits the upper 8 are taken, and transparency is dropped, so that what lies
// under it shows. (Transparent pixels of a GIF come out black.) Of an animated
// GIF the first frame is taken. An EXIF orientation is applied, which PIL leaves
// to its user.
package decode

import (
	"bytes"
	"errors"
	"fmt"
	"image"
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

// Limits bounds what one file may cost. They are checked before any pixel is
// decoded: a few bytes can claim a picture that fills the memory.
type Limits struct {
	Bytes  int64 // of the file
	Pixels int64 // that it claims to have; besides, neither side may exceed 65,535
}

// maxSide is the most that JPEG can say.
const maxSide = 1<<16 - 1

// DefaultLimits are 64 MiB and 100 megapixels.
func DefaultLimits() Limits { return Limits{Bytes: 64 << 20, Pixels: 100e6} }

// formats has a decoder for each answer of Sniff.
var formats = map[string]struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	"jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"png":  {png.DecodeConfig, png.Decode},
	"webp": {webp.DecodeConfig, webp.Decode},
	"gif":  {gif.DecodeConfig, gif.Decode},
	"bmp":  {bmp.DecodeConfig, bmp.Decode},
	"tiff": {tiff.DecodeConfig, tiff.Decode},
}

// Fingerprint names all that decides which pixels a file has: two processes
// with the same one decode alike.
func Fingerprint() string {
	return fmt.Sprintf("decode %d, %s %s, x/image %s, imagemeta %s",
		version, runtime.Version(), runtime.GOARCH, imageVersion, imagemetaVersion)
}

// version stands for this package's own part in it: raise it when any
// conversion to RGB changes.
const version = 2

// Versions of golang.org/x/image (WebP, BMP, TIFF) and github.com/bep/imagemeta
// (orientation). They are written out because not every build knows them at run
// time; a test compares them with go.mod.
const (
	imageVersion     = "v0.47.0"
	imagemetaVersion = "v1.0.1"
)

// Image decodes a file, whatever its name. Its errors say what is wrong with
// the file; no retry mends them.
func Image(data []byte, l Limits) (img *view.RGB, err error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	if int64(len(data)) > l.Bytes {
		return nil, fmt.Errorf("the file has %d bytes, more than the limit of %d", len(data), l.Bytes)
	}
	format := Sniff(data)
	if format == "" {
		return nil, fmt.Errorf("not an image in a known format: looks like %s", http.DetectContentType(data))
	}
	// Decoders have panicked on damaged files before.
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("decoding %s: the decoder panicked: %v", format, p)
		}
	}()
	img, err = decode(format, data, l)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", format, explain(err))
	}
	return img, nil
}

func decode(format string, data []byte, l Limits) (*view.RGB, error) {
	if format == "webp" && animated(data) {
		return nil, errors.New("animations are not supported: keep one frame of it")
	}
	if format == "jpeg" {
		if img, err := decodeJPEG(data, l); err == nil {
			return turn(img, orientation(format, data)), nil
		}
	}
	f := formats[format]
	c, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if err := l.check(c.Width, c.Height); err != nil {
		return nil, err
	}
	m, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	img := place(toRGB(m, format), m.Bounds().Min, c.Width, c.Height)
	return turn(img, orientation(format, data)), nil
}

// check refuses a size that a file claims to have.
func (l Limits) check(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("it has %d×%d pixels", w, h)
	}
	if max(w, h) > maxSide || int64(w)*int64(h) > l.Pixels {
		return fmt.Errorf("it claims %d×%d pixels, more than the limit of %d in all and %d a side", w, h, l.Pixels, maxSide)
	}
	return nil
}

// animated tells whether a WebP file says so in its header.
func animated(data []byte) bool {
	const extended, flags, animation = 12, 20, 1 << 1
	return len(data) > flags && string(data[extended:][:4]) == "VP8X" && data[flags]&animation != 0
}

// explain says "truncated" where a decoder says "unexpected EOF".
func explain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("truncated: %w", err)
	}
	return err
}
