package view

// project takes away what lies between green and magenta, the colours into
// which cheap lenses split an edge: x − a (a·x)/(a·a) with a = (−1, 2, −1), in
// integers. Greys stay as they are. (Doersch et al., 2015, section 3.1.)
func project(img *RGB) {
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		r, g, b := int(p[0]), int(p[1]), int(p[2])
		along := 2*g - r - b // a·x; a·a is 6
		p[0] = clamp(r + floorDiv(along+3, 6))
		p[1] = clamp(g - floorDiv(along+1, 3))
		p[2] = clamp(b + floorDiv(along+3, 6))
	}
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }
