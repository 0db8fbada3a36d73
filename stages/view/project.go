package view

// project takes away what lies between green and magenta, the colours into
// which cheap lenses split an edge: x − a (a·x)/(a·a) with a = (−1, 2, −1), in
// integers. Greys stay as they are. (Doersch et al., 2015, section 3.1.)
func project(c *canvas) {
	for i := range c.r {
		r, g, b := int(c.r[i]), int(c.g[i]), int(c.b[i])
		along := 2*g - r - b // a·x; a·a is 6
		c.r[i] = clamp(r + floorDiv(along+3, 6))
		c.g[i] = clamp(g - floorDiv(along+1, 3))
		c.b[i] = clamp(b + floorDiv(along+3, 6))
	}
}

// floorDiv is a/b, rounded down.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }
