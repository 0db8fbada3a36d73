package scenes

import "math"

// The pictures must have the same bytes on every processor, and some fuse a
// product with the sum that follows, which rounds once instead of twice. So
// every product that may meet a sum is converted to float64 first, which the
// language defines as rounding it. Then + − × ÷, floor and square root are the
// same everywhere; the sine and the arc tangent of package math are not, and
// have substitutes below.

// vec is a point or a direction of the plane.
type vec struct{ x, y float64 }

func (a vec) plus(b vec) vec      { return vec{a.x + b.x, a.y + b.y} }
func (a vec) minus(b vec) vec     { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec { return vec{float64(k * a.x), float64(k * a.y)} }
func (a vec) dot(b vec) float64   { return float64(a.x*b.x) + float64(a.y*b.y) }
func (a vec) length() float64     { return math.Sqrt(a.dot(a)) }

// along is a in the frame of which axis is the first direction.
func (a vec) along(axis vec) vec { return vec{a.dot(axis), a.dot(vec{-axis.y, axis.x})} }

func lerp(a, b, t float64) float64 { return a + float64(t*(b-a)) }

func clamp(x, lo, hi float64) float64 {
	switch {
	case x < lo:
		return lo
	case x > hi:
		return hi
	}
	return x
}

// smooth rises from 0 to 1 while x does, without a kink.
func smooth(x float64) float64 { return fade(clamp(x, 0, 1)) }

// fade is smooth between 0 and 1.
func fade(x float64) float64 { return float64(x * x * (3 - float64(2*x))) }

// cell is where x lies in its cell of width 1, from the cell's middle.
func cell(x float64) float64 { return x - math.Floor(x) - 0.5 }

// direction is the unit vector at an angle in turns.
func direction(turns float64) vec { return vec{sine(turns + 0.25), sine(turns)} }

// sines is a turn of the sine, rounded to steps of 2⁻²⁰: where processors
// disagree is in the last bits of math.Sin.
var sines = func() (table [257]float64) {
	for i := range table {
		table[i] = math.Round(math.Sin(2*math.Pi*float64(i)/256)*(1<<20)) / (1 << 20)
	}
	return table
}()

// sine is the sine of an angle in turns, within 10⁻⁴.
func sine(turns float64) float64 {
	x := float64((turns - math.Floor(turns)) * 256)
	i := min(int(x), 255)
	return lerp(sines[i], sines[i+1], x-float64(i))
}

// angle is the direction of p in turns, from −1/2 to 1/2, within 10⁻³.
func angle(p vec) float64 {
	a, b := math.Abs(p.x), math.Abs(p.y)
	if a+b == 0 {
		return 0
	}
	// atan z ≈ π/4·z + 0.273·z·(1−z) for z from 0 to 1.
	z := min(a, b) / max(a, b)
	turns := float64(z*0.125) + float64(z*(1-z)*(0.273/(2*math.Pi)))
	if b > a {
		turns = 0.25 - turns
	}
	if p.x < 0 {
		turns = 0.5 - turns
	}
	return math.Copysign(turns, p.y)
}
