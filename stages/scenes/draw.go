package scenes

import (
	"math"

	"selfstream/stages/random"
	"selfstream/stages/view"
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

func (d *dice) chance(p float64) bool { return d.in(0, 1) < p }

// near is a point within r of p, nearer ones more often.
func (d *dice) near(p vec, r float64) vec {
	return p.plus(direction(d.in(0, 1)).times(d.in(0, r)))
}

func (d *dice) pick(from []colour) colour {
	c := from[int(d.in(0, float64(len(from))))]
	return tint(d.in(0, 1), 0.08, c.luma()).mix(c, 0.85).bright(d.in(0.9, 1.1))
}

func hex(v int) colour {
	return colour{float64(v>>16) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

var (
	pigments = []colour{hex(0x27468f), hex(0x8f3b26), hex(0x256b52), hex(0x5b3660), hex(0x3b302c)}
	slips    = []colour{hex(0xefe6cf), hex(0xe6e2d6)}
	soils    = []colour{hex(0x8a7a5f), hex(0x8f8170)}
	stuff    = append(append(append([]colour{}, pigments...), slips...), soils...)
)

// artist draws one picture.
type artist struct {
	canvas
	light vec // where it comes from
}

func draw(key random.Key, repeat float64, paint pattern) *view.RGB {
	scene := dice{key: key.Fold(0)}
	a := artist{light: direction(scene.in(0, 1))}

	a.ground(&dice{key: key.Fold(1)})
	a.litter(&dice{key: key.Fold(2)}, int(scene.in(4, 12)))
	a.piece(&dice{key: key.Fold(3)}, scene.near(vec{Size / 2, Size / 2}, 12), repeat, paint)
	a.litter(&dice{key: key.Fold(4)}, int(scene.in(0, 4)))
	a.shine(scene.in(0.7, 1.15), scene.in(0.1, 0.5))
	return a.develop(0.03, key.Fold(5))
}

// ground covers the canvas with a cloudy mixture of two colours: fine or
// coarse, soft like sand or hard like paint, and drawn out like grain of wood.
func (a *artist) ground(d *dice) {
	dark := d.pick(soils)
	pale := dark.mix(d.pick(soils), 0.5).bright(d.in(1, 1.5))
	cloud := newNoise(d)
	axis, size := direction(d.in(0, 1)), d.in(6, 24)
	drawn := d.in(1, 2.5)
	drawn = drawn * drawn
	hard := d.in(1, 6)
	fine := d.in(0.2, 1)
	a.paint(vec{Size / 2, Size / 2}, Size, func(p vec) (colour, float64) {
		q := p.turned(axis)
		q = vec{q.x / drawn, q.y}.times(1 / size)
		t := cloud.at(q) + float64(fine*0.6*cloud.at(q.times(2.7))) + float64(fine*0.4*cloud.at(q.times(6.1)))
		return dark.mix(pale, smooth(0.5+float64(hard*0.4*t))), 1
	})
}

// litter scatters pebbles, chips and twigs.
func (a *artist) litter(d *dice, n int) {
	for range n {
		at := vec{d.in(0, Size), d.in(0, Size)}
		axis := direction(d.in(0, 1))
		half := vec{d.in(1.5, 12), d.in(1.2, 4)}
		round := d.in(0.2, 1) * min(half.x, half.y)
		col := d.pick(stuff)
		a.drop(at, half.length(), 1.5, func(p vec) float64 {
			q := p.turned(axis)
			q = vec{math.Abs(q.x) - half.x + round, math.Abs(q.y) - half.y + round}
			out := vec{max(q.x, 0), max(q.y, 0)}.length()
			return out + min(max(q.x, q.y), 0) - round
		}, func(vec) colour { return col })
	}
}

// piece lays down a plate or a shard of one and paints the pattern on it.
func (a *artist) piece(d *dice, at vec, repeat float64, paint pattern) {
	size := d.in(42, 58)

	edges := make([]vec, int(d.in(0, 8)))
	if len(edges) < 4 {
		edges = nil
	}
	start := d.in(0, 1)
	for i := range edges {
		// Divided by how far from the middle the edge lies.
		edges[i] = direction(start + (float64(i)+d.in(-0.3, 0.3))/float64(len(edges))).times(1 / d.in(0.75, 0.95))
	}
	outline := func(p vec) float64 {
		far := p.length() - size
		for _, e := range edges {
			far = max(far, p.dot(e)/e.length()-size/e.length())
		}
		return far
	}

	var inks [64]colour
	for i := range inks {
		inks[i] = d.pick(pigments)
	}
	pale := d.pick(slips)
	axis := direction(d.in(-0.05, 0.05))
	repeat *= d.in(0.85, 1.15)
	shift := d.near(vec{}, size*0.3)
	weight := d.in(0.85, 1.15)
	wobble, strength := newNoise(d), d.in(0, 0.2)
	wear := d.in(0, 0.35)
	a.drop(at, size, 2.5, outline, func(p vec) colour {
		q := p.minus(shift).turned(axis).times(1 / repeat)
		soft := q.times(0.8)
		q = q.plus(vec{wobble.at(soft), wobble.at(soft.plus(vec{5.3, 1.7}))}.times(strength))
		edge, stroke := paint(q, weight)
		cover := clamp(0.5-edge*repeat, 0, 1)
		cover *= 1 - wear*smooth(0.5+2*wobble.at(q.times(2.3)))
		return pale.mix(inks[stroke&63], cover)
	})
}

// drop lays a body of a height on the ground: its shadow first, then itself,
// with its edge in the light or away from it. Points are given from at.
func (a *artist) drop(at vec, reach, height float64, outline func(vec) float64, fill func(vec) colour) {
	shade := at.minus(a.light.times(height))
	a.paint(shade, reach+height, func(p vec) (colour, float64) {
		return colour{}, 0.5 * smooth(0.5-outline(p.minus(shade))/(2*height))
	})
	a.paint(at, reach+1, func(p vec) (colour, float64) {
		p = p.minus(at)
		d := outline(p)
		if d > 0.5 {
			return colour{}, 0
		}
		col := fill(p)
		if d > -height {
			slope := vec{outline(p.plus(vec{0.5, 0})) - outline(p.minus(vec{0.5, 0})), outline(p.plus(vec{0, 0.5})) - outline(p.minus(vec{0, 0.5}))}
			col = col.bright(1 + 0.5*slope.dot(a.light)*(1+d/height))
		}
		return col, clamp(0.5-d, 0, 1)
	})
}

// shine brightens the side that the light comes from.
func (a *artist) shine(exposure, strength float64) {
	for i := range a.canvas {
		p := vec{float64(i%Size) - Size/2, float64(i/Size) - Size/2}.times(1. / Size)
		a.canvas[i] = a.canvas[i].bright(exposure + float64(strength*p.dot(a.light)))
	}
}

// noise is a smooth random field with values in [−1, 1].
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
	fx, fy := math.Floor(p.x), math.Floor(p.y)
	x, y := int(fx)&15, int(fy)&15
	tx, ty := smooth(p.x-fx), smooth(p.y-fy)
	top, low := &n[y], &n[(y+1)&15]
	return lerp(lerp(top[x], top[(x+1)&15], tx), lerp(low[x], low[(x+1)&15], tx), ty)
}
