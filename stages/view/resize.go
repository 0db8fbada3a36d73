package view

import "image"

// resizer resizes as PIL does (Image.resize with BILINEAR, Resample.c): each
// output pixel is the mean of the input under a triangle, which is widened to
// cover all of them when the image shrinks (antialias). Rows are resized
// first, then columns, with weights of 22 bits after the point. Triangles are
// computed in integers, so the weights are PIL's without its rounding errors.
type resizer struct {
	x, y taps
	rows []uint8 // after the first pass
	sum  []int32
}

// weightBits is the weights' number of binary digits after the point.
const weightBits = 32 - 8 - 2

// resize fills dst with the box of src. Nothing outside the box is looked at.
func (r *resizer) resize(dst, src *RGB, box image.Rectangle) {
	r.window(dst, src, box, image.Pt(dst.W, dst.H), image.Point{})
}

// window fills dst with a part, from at on, of what the box of src is when it
// is resized to size.
func (r *resizer) window(dst, src *RGB, box image.Rectangle, size, at image.Point) {
	r.x.triangles(box.Dx(), size.X, at.X, dst.W)
	r.y.triangles(box.Dy(), size.Y, at.Y, dst.H)
	r.pass(dst, src, box)
}

// center fills dst with the middle of src, whose shorter side is resized to
// dst's, a square.
func (r *resizer) center(dst, src *RGB) {
	w, h := dst.W, dst.H // of the resized source
	if src.W > src.H {
		w = dst.W * src.W / src.H
	} else {
		h = dst.H * src.H / src.W
	}
	r.window(dst, src, src.Bounds(), image.Pt(w, h), image.Pt(halfToEven(w-dst.W), halfToEven(h-dst.H)))
}

// halfToEven is n/2, rounded to the even neighbour as Python's round does.
func halfToEven(n int) int { return (n + n/2%2) / 2 }

// pass resizes the rows that are needed, then the columns.
func (r *resizer) pass(dst, src *RGB, box image.Rectangle) {
	top, bottom := r.y.first[0], r.y.first[dst.H-1]+r.y.n
	stride := 3 * dst.W
	r.rows = grow(r.rows, stride*(bottom-top))
	for y := top; y < bottom; y++ {
		in := src.Pix[3*(src.W*(box.Min.Y+y)+box.Min.X):][:3*box.Dx()]
		r.x.mixPixels(r.rows[stride*(y-top):][:stride], in)
	}
	for y := range dst.H {
		in := r.rows[stride*(r.y.first[y]-top):]
		r.mixRows(dst.Pix[stride*y:][:stride], in, r.y.weight[r.y.n*y:][:r.y.n])
	}
}

// taps says of which inputs each output along one axis is made: of n from
// first on, with n weights.
type taps struct {
	n      int
	first  []int
	weight []int32
}

// triangles sets the taps of the outputs from … from+count−1, when in pixels
// are resized to out.
//
// In units of 1/(2·out) input pixels, output o has its middle at (2o+1)·in,
// input i at (2i+1)·out, and the triangle falls to 0 at 2·max(in, out) from
// its middle.
func (t *taps) triangles(in, out, from, count int) {
	reach := 2 * max(in, out)
	t.n = min(in, (2*reach-1)/(2*out)+1)
	t.first = grow(t.first, count)
	t.weight = grow(t.weight, count*t.n)
	for k := range count {
		middle := (2*(from+k) + 1) * in
		// The first input that the triangle covers, moved back where the image ends.
		first := min(max(0, floorDiv(middle-reach-out, 2*out)+1), in-t.n)
		height := func(j int) int { return max(0, reach-abs((2*(first+j)+1)*out-middle)) }
		sum := 0
		for j := range t.n {
			sum += height(j)
		}
		w := t.weight[k*t.n:][:t.n]
		for j := range w {
			w[j] = int32((height(j)<<(weightBits+1) + sum) / (2 * sum)) // rounded
		}
		t.first[k] = first
	}
}

// mixPixels makes the pixels of out of those of in.
func (t *taps) mixPixels(out, in []uint8) {
	for k, first := range t.first {
		var r, g, b int32 = half, half, half
		weight := t.weight[k*t.n:][:t.n]
		px := in[3*first:][:3*len(weight)]
		for _, w := range weight {
			r += w * int32(px[0])
			g += w * int32(px[1])
			b += w * int32(px[2])
			px = px[3:]
		}
		o := out[3*k:][:3]
		o[0], o[1], o[2] = uint8(r>>weightBits), uint8(g>>weightBits), uint8(b>>weightBits)
	}
}

// mixRows makes one row of those in in, one for each weight.
func (r *resizer) mixRows(out, in []uint8, weight []int32) {
	r.sum = grow(r.sum, len(out))
	for i := range r.sum {
		r.sum[i] = half
	}
	for j, w := range weight {
		row := in[j*len(out):][:len(r.sum)]
		for i, v := range row {
			r.sum[i] += w * int32(v)
		}
	}
	for i, s := range r.sum {
		out[i] = uint8(s >> weightBits)
	}
}

const half = 1 << (weightBits - 1)

func abs(n int) int { return max(n, -n) }

// floorDiv is a/b, rounded down.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// grow returns a slice of n elements of any value, s's memory if it has room.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
