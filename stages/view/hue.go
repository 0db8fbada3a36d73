package view

// hsv is PIL's conversion from RGB (Convert.c, rgb2hsv), in integers.
func hsv(r, g, b uint8) (h, s, v uint8) {
	top, low := max(r, g, b), min(r, g, b)
	if top == low {
		return 0, 0, top
	}
	chroma := int32(top - low)
	var sextant int32 // times chroma: where in 0 … 6 the hue lies
	switch top {
	case r:
		sextant = int32(g) - int32(b)
	case g:
		sextant = 2*chroma + int32(b) - int32(r)
	default:
		sextant = 4*chroma + int32(r) - int32(g)
	}
	if sextant < 0 {
		sextant += 6 * chroma
	}
	return uint8(255 * sextant / (6 * chroma)), uint8(255 * chroma / int32(top)), top
}

// rgb is PIL's conversion from HSV (Convert.c, hsv2rgb), in integers.
func rgb(h, s, v uint8) (r, g, b uint8) {
	const one = 255 * 255
	sextant, f := 6*uint32(h)/255, 6*uint32(h)%255 // f/255 is the place within it
	part := func(x uint32) uint8 { return uint8((2*uint32(v)*(one-x) + one) / (2 * one)) }
	p, q, t := part(255*uint32(s)), part(f*uint32(s)), part((255-f)*uint32(s))
	switch sextant {
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	case 5:
		return v, p, q
	default: // 0, and 6 for hue 255
		return v, t, p
	}
}
