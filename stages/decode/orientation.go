package decode

import (
	"bytes"
	"io"

	"github.com/bep/imagemeta"
	"golang.org/x/image/riff"

	"selfstream/stages/view"
)

// orientation is the file's EXIF orientation, 1 to 8. It is 1, upright, where
// none can be read: damaged metadata do not spoil an image.
func orientation(format string, data []byte) int {
	var container imagemeta.ImageFormat
	switch format {
	case "jpeg":
		if !bytes.Contains(data, []byte("Exif\x00\x00")) {
			return 1 // most have none, and this is known sooner
		}
		container = imagemeta.JPEG
	case "png":
		container = imagemeta.PNG
	case "tiff":
		container = imagemeta.TIFF
	case "webp":
		container, data = imagemeta.TIFF, webpEXIF(data) // EXIF is a TIFF without an image
	default:
		return 1
	}
	upright := 1
	_, err := imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(data),
		ImageFormat: container,
		Sources:     imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Namespace == "IFD0" && tag.Tag == "Orientation"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && 1 <= v && v <= 8 {
				upright = int(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	if err != nil {
		return 1
	}
	return upright
}

// webpEXIF is the chunk of a WebP file that holds EXIF data, if there is one.
// (imagemeta does not skip the byte that pads chunks of odd length.)
func webpEXIF(data []byte) []byte {
	_, chunks, err := riff.NewReader(bytes.NewReader(data))
	for err == nil {
		var id riff.FourCC
		var chunk io.Reader
		id, _, chunk, err = chunks.Next()
		if err == nil && id == (riff.FourCC{'E', 'X', 'I', 'F'}) {
			b, _ := io.ReadAll(chunk)
			return bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
		}
	}
	return nil
}

// turn sets an image upright.
//
//	1 as it is      2 mirrored left-right      3 by a half turn    4 mirrored top-bottom
//	5 transposed    6 by a quarter turn right  7 transverse        8 by a quarter turn left
func turn(img *view.RGB, orientation int) *view.RGB {
	if orientation < 2 || orientation > 8 {
		return img
	}
	w, h := img.W, img.H
	// Where output pixel (0, 0) comes from, and how far it is from there to
	// where its right and its lower neighbour come from, in pixels.
	start, right, down := 0, 0, 0
	switch orientation {
	case 2:
		start, right, down = w-1, -1, w
	case 3:
		start, right, down = w*h-1, -1, -w
	case 4:
		start, right, down = w*(h-1), 1, -w
	case 5:
		start, right, down = 0, w, 1
	case 6:
		start, right, down = w*(h-1), -w, 1
	case 7:
		start, right, down = w*h-1, -w, -1
	case 8:
		start, right, down = w-1, w, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := view.NewRGB(w, h)
	to := out.Pix
	for y := range h {
		from := start + y*down
		for range w {
			copy(to[:3], img.Pix[3*from:])
			to, from = to[3:], from+right
		}
	}
	return out
}
