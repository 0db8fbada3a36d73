package decode

import (
	"fmt"
	"image"

	"selfstream/stages/decode/jpeg"
	"selfstream/stages/view"
)

// Decoder decodes images for views, with memory that is used again from one to
// the next. The zero value is ready; a Decoder serves one goroutine.
type Decoder struct {
	jpeg   jpeg.Decoder
	source view.Source
	parts  [4]jpeg.Part // by scale
	wanted [4]*jpeg.Part
}

// Source decodes what views need of a file: of a JPEG no more than the parts
// that are cut out, at the sizes at which they are cut, of other formats all.
// needs is told the size of the upright image, in pixels. The result is good
// until the next call. Errors are those of Image; whether there is one does not
// depend on what is needed.
func (d *Decoder) Source(data []byte, l Limits, needs func(w, h int) []view.Need) (view.Image, error) {
	if int64(len(data)) <= l.Bytes && Sniff(data) == "jpeg" {
		if s, err := d.decode(data, l, needs); err == nil {
			return s, nil
		}
	}
	img, err := Image(data, l)
	if err != nil {
		return nil, err // not a nil *view.RGB
	}
	return img, nil
}

func (d *Decoder) decode(data []byte, l Limits, needs func(w, h int) []view.Need) (s *view.Source, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("the decoder panicked: %v", p)
		}
	}()
	p, err := d.jpeg.Header(data)
	if err != nil {
		return nil, err
	}
	if err := l.check(p.W, p.H); err != nil {
		return nil, err
	}
	s = &d.source
	*s = view.Source{W: p.W, H: p.H, YCbCr: p.YCbCr, Orientation: orientation("jpeg", data)}
	var regions [4]image.Rectangle
	for _, n := range needs(s.Size()) {
		scale := view.Scale(n.Box, n.Size)
		regions[scale] = regions[scale].Union(s.Stored(n.Box))
	}
	parts := d.wanted[:0]
	for scale, region := range regions {
		if !region.Empty() {
			part := &d.parts[scale]
			part.Region, part.Shrink = region, 1<<scale
			parts = append(parts, part)
		}
	}
	if err := d.jpeg.Decode(data, parts...); err != nil {
		return nil, err
	}
	for scale, region := range regions {
		if !region.Empty() {
			s.Scales[scale] = d.parts[scale].Planes
		}
	}
	return s, nil
}
