package decode

import (
	"image"

	"selfstream/stages/decode/jpeg"
	"selfstream/stages/view"
)

// decodeJPEG decodes with package decode/jpeg, whose bits are those of
// image/jpeg. The caller asks image/jpeg about a file that it refuses.
func decodeJPEG(data []byte, l Limits) (*view.RGB, error) {
	var d jpeg.Decoder
	p, err := d.Header(data)
	if err != nil {
		return nil, err
	}
	if err := l.check(p.W, p.H); err != nil {
		return nil, err
	}
	part := jpeg.Part{Region: image.Rect(0, 0, p.W, p.H), Shrink: 1}
	if err := d.Decode(data, &part); err != nil {
		return nil, err
	}
	out := view.NewRGB(p.W, p.H)
	fromPlanes(out, part.Planes, p.YCbCr)
	return out, nil
}

// fromPlanes converts planes of full size.
func fromPlanes(out *view.RGB, planes []view.Plane, ycbcr bool) {
	first, last := planes[0], planes[len(planes)-1]
	switch {
	case len(planes) == 1:
		pick(out, first.Pix, first.W, 1, 0, 0, 0)
	case ycbcr:
		m := &image.YCbCr{
			Y: first.Pix, Cb: planes[1].Pix, Cr: last.Pix, YStride: first.W, CStride: last.W,
			SubsampleRatio: ratios[[2]int{last.StepX, last.StepY}], Rect: out.Bounds(),
		}
		fromYCbCr(out, m, jpegYUV)
	default:
		for c, p := range planes {
			for y := range out.H {
				row := p.Pix[p.W*(y/p.StepY):]
				to := out.Pix[3*out.W*y+c:]
				for x := range out.W {
					to[3*x] = row[x/p.StepX]
				}
			}
		}
	}
}

// ratios are the ways in which colours are subsampled, by the number of pixels
// across and down that share one.
var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {2, 1}: image.YCbCrSubsampleRatio422, {2, 2}: image.YCbCrSubsampleRatio420,
	{1, 2}: image.YCbCrSubsampleRatio440, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}
