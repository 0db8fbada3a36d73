package view

import "math"

// power is xʸ for positive x and y from 0 to 2³¹, to about 1 part in 10⁹. It
// uses only products and square roots, whose results IEEE 754 fixes to the
// last bit: math.Pow, Exp and Log may differ in it from processor to
// processor, and with them the pixels.
func power(x, y float64) float64 {
	whole := math.Floor(y)
	bits := uint32((y - whole) * 0x1p32) // binary digits of the fraction

	p, factor := 1.0, x
	for n := uint32(whole); n != 0; n >>= 1 { // square and multiply
		if n&1 != 0 {
			p *= factor
		}
		factor *= factor
	}
	factor = x
	for ; bits != 0; bits <<= 1 { // and the same to the right of the point
		factor = math.Sqrt(factor)
		if bits&(1<<31) != 0 {
			p *= factor
		}
	}
	return p
}
