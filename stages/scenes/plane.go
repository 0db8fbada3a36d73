package scenes

import "math"

// The pictures must have the same bytes on every processor, and some fuse a
// product and the sum that follows into one operation that rounds once. So
// every product that is added to something is converted to float64 first,
// which the language defines as rounding it; + − × ÷ and the square root are
// then the same everywhere. Sine and arc tangent of package math are not, and
// have substitutes below.

// vec is a point or a direction of the plane.
type vec struct{ x, y float64 }

func (a vec) plus(b vec) vec          { return vec{a.x + b.x, a.y + b.y} }
func (a vec) minus(b vec) vec         { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec     { return vec{a.x * k, a.y * k} }
func (a vec) dot(b vec) float64       { return float64(a.x*b.x) + float64(a.y*b.y) }
func (a vec) length() float64         { return math.Sqrt(a.dot(a)) }
func (a vec) turned(axis vec) vec     { return vec{a.dot(axis), a.dot(vec{-axis.y, axis.x})} }
func lerp(a, b, t float64) float64    { return a + float64(t*(b-a)) }
func clamp(x, lo, hi float64) float64 { return max(lo, min(x, hi)) }

// smooth rises from 0 to 1 while x does, without a kink.
func smooth(x float64) float64 {
	x = clamp(x, 0, 1)
	return x * x * (3 - float64(2*x))
}

// cell is where x lies in its cell of width 1, from the cell's middle.
func cell(x float64) float64 { return x - math.Floor(x) - 0.5 }

// direction is the unit vector at an angle in turns.
func direction(turns float64) vec { return vec{sine(turns + 0.25), sine(turns)} }

// sines holds a turn of the sine in steps of 2⁻²⁰: what math.Sin's last bit
// says, which differs between processors, is rounded away.
var sines = func() (table [257]float64) {
	for i := range table {
		table[i] = math.Round(math.Sin(2*math.Pi*float64(i)/256)*(1<<20)) / (1 << 20)
	}
	return table
}()

// sine is the sine of an angle in turns, within 10⁻⁴.
func sine(turns float64) float64 {
	x := (turns - math.Floor(turns)) * 256
	i := min(int(x), 255)
	return lerp(sines[i], sines[i+1], x-float64(i))
}

// angle is the direction of p in turns, in [−1/2, 1/2], within 10⁻³.
func angle(p vec) float64 {
	a, b := math.Abs(p.x), math.Abs(p.y)
	if a+b == 0 {
		return 0
	}
	// atan z ≈ π/4·z + 0.273·z·(1−z) on [0, 1].
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
