package view

// gray takes the colour away.
func gray(c *canvas) {
	toLuma(c.r, c.g, c.b)
	copy(c.g, c.r)
	copy(c.b, c.r)
}

// toLumaLoops puts the grey values in the place of red.
func toLumaLoops(r, g, b []uint8) {
	for i := range r {
		r[i] = luma(r[i], g[i], b[i])
	}
}

// luma is the grey value of a colour by ITU-R 601-2, in PIL's integers (its
// mode "L").
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}
