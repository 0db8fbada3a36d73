package jpeg

import (
	"image"

	"selfstream/stages/view"
)

// Part is a part of a picture, at a size.
type Part struct {
	Region image.Rectangle // what is needed, in pixels of the whole picture
	Shrink int             // by 1, 2, 4 or 8
	// Planes are the samples: of grey, or of three colours. Each covers the
	// region. Their memory is used again.
	Planes []view.Plane

	comps [3]target
}

// target says how a component goes into its plane.
type target struct {
	plane  *view.Plane
	size   int             // of a block's side, in samples of the plane
	blocks image.Rectangle // that are needed
}

// begin makes the planes of a part.
func (p *Part) begin(f *frame) {
	region := p.Region.Intersect(image.Rect(0, 0, f.w, f.h))
	if cap(p.Planes) < len(f.comps) {
		p.Planes = make([]view.Plane, len(f.comps))
	}
	p.Planes = p.Planes[:len(f.comps)]
	for i, c := range f.comps {
		x, y := f.hmax/c.h, f.vmax/c.v // pixels to a sample, at full size
		// A colour with fewer samples than the first shrinks less.
		shrink := max(1, p.Shrink/max(x, y))
		blocks := image.Rect(region.Min.X/(8*x), region.Min.Y/(8*y), ceilDiv(region.Max.X, 8*x), ceilDiv(region.Max.Y, 8*y))
		size := 8 / shrink
		plane := &p.Planes[i]
		plane.X, plane.Y = size*blocks.Min.X, size*blocks.Min.Y
		plane.W, plane.H = size*blocks.Dx(), size*blocks.Dy()
		plane.StepX, plane.StepY = shrink*x, shrink*y
		if n := plane.W * plane.H; cap(plane.Pix) < n {
			plane.Pix = make([]uint8, n)
		}
		plane.Pix = plane.Pix[:plane.W*plane.H]
		p.comps[i] = target{plane, size, blocks}
	}
}

// needs tells whether the part has a use for a block.
func (p *Part) needs(comp, bx, by int) bool {
	r := &p.comps[comp].blocks
	return r.Min.X <= bx && bx < r.Max.X && r.Min.Y <= by && by < r.Max.Y
}

// render puts a block into its plane.
func (p *Part) render(comp int, b *block, quant *[64]int32, last, bx, by int) {
	t := &p.comps[comp]
	stride := t.plane.W
	dst := t.plane.Pix[t.size*((by-t.blocks.Min.Y)*stride+bx-t.blocks.Min.X):]
	if last == 0 {
		flat(dst, stride, t.size, int32(b[0])*quant[0])
		return
	}
	switch t.size {
	case 8:
		idct8(dst, stride, b, quant)
	case 4:
		idct4(dst, stride, b, quant)
	case 2:
		idct2(dst, stride, b, quant)
	default:
		dst[0] = shown(mean(int32(b[0]) * quant[0]))
	}
}
