package scenes

import (
	"math"

	"selfstream/stages/random"
)

// dice hands out the numbers of a key one after the other.
type dice struct {
	key  random.Key
	next uint64
}

func (d *dice) in(lo, hi float64) float64 {
	d.next++
	return d.key.Uniform(d.next-1, lo, hi)
}

// near is a point within r of p, nearer ones more often.
func (d *dice) near(p vec, r float64) vec {
	return p.plus(direction(d.in(0, 1)).times(d.in(0, r)))
}

// pick is one of some colours, not quite.
func (d *dice) pick(from []colour) colour {
	c := from[int(d.in(0, float64(len(from))))]
	return colour{c.r + d.in(-0.04, 0.04), c.g + d.in(-0.04, 0.04), c.b + d.in(-0.04, 0.04)}
}

// noise is a smooth random field with values from −1 to 1: numbers on a grid of
// step 1, which repeats after 16 steps.
type noise [16][16]float64

func newNoise(d *dice) *noise {
	var n noise
	for y := range n {
		for x := range n[y] {
			n[y][x] = d.in(-1, 1)
		}
	}
	return &n
}

func (n *noise) at(p vec) float64 {
	left, top := math.Floor(p.x), math.Floor(p.y)
	x, y := int(left)&15, int(top)&15
	tx, ty := fade(p.x-left), fade(p.y-top)
	a, b := &n[y], &n[(y+1)&15]
	return lerp(lerp(a[x], a[(x+1)&15], tx), lerp(b[x], b[(x+1)&15], tx), ty)
}
