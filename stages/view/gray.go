package view

// gray takes the colour away.
func gray(img *RGB) {
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		l := luma(p[0], p[1], p[2])
		p[0], p[1], p[2] = l, l, l
	}
}

// luma is the grey value of a colour by ITU-R 601-2, in PIL's integers (its
// mode "L").
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}
