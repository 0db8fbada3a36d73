package scenes

import (
	"math"

	"selfstream/stages/random"
	"selfstream/stages/view"
)

// What the pictures are made of. All pictures have all pigments and the same
// two soils: an encoder that could tell pictures apart by their colours would
// not learn to look at patterns.
var (
	pigments = []colour{rgb(0x27468f), rgb(0x8f3b26), rgb(0x256b52), rgb(0x5b3660), rgb(0x3b302c)}
	glaze    = []colour{rgb(0xe9e3d3)}
	clay     = []colour{rgb(0xa07a5a)}
	slate    = []colour{rgb(0x6c7076)}
	rubble   = append(append(append(append([]colour{}, pigments...), glaze...), clay...), slate...)
)

// artist draws one picture.
type artist struct {
	canvas
	light vec // where it comes from
}

func draw(key random.Key, repeat float64, paint pattern) *view.RGB {
	scene := &dice{key: key.Fold(0)}
	a := artist{light: direction(scene.in(0, 1))}

	a.ground(&dice{key: key.Fold(1)})
	a.litter(&dice{key: key.Fold(2)}, int(scene.in(4, 12)))
	a.piece(&dice{key: key.Fold(3)}, repeat, paint)
	a.litter(&dice{key: key.Fold(4)}, int(scene.in(0, 4)))
	a.shine(scene.in(0.7, 1.05), scene.in(0.1, 0.5))
	return a.develop(0.03, key.Fold(5))
}

// ground covers the canvas with clouds of clay and slate: coarse or fine, soft
// or hard, and drawn out like the grain of wood.
func (a *artist) ground(d *dice) {
	clay, slate := d.pick(clay), d.pick(slate)
	cloud := newNoise(d)
	grain, size, stretch := direction(d.in(0, 1)), d.in(6, 24), d.in(1, 6)
	fine, hard := d.in(0.2, 1), d.in(0.4, 2.4)
	a.paint(vec{Size / 2, Size / 2}, Size, func(p vec) (colour, float64) {
		p = p.along(grain)
		p = vec{p.x / (size * stretch), p.y / size}
		t := cloud.at(p) + float64(fine*(float64(0.6*cloud.at(p.times(2.7)))+float64(0.4*cloud.at(p.times(6.1)))))
		return clay.mix(slate, smooth(0.5+float64(hard*t))), 1
	})
}

// litter scatters pebbles, chips and twigs.
func (a *artist) litter(d *dice, n int) {
	for range n {
		at := vec{d.in(0, Size), d.in(0, Size)}
		axis := direction(d.in(0, 1))
		half := vec{d.in(1.5, 12), d.in(1.2, 4)}
		round := float64(d.in(0.2, 1) * min(half.x, half.y))
		col := d.pick(rubble)
		outline := func(p vec) float64 {
			p = p.along(axis)
			p = vec{math.Abs(p.x), math.Abs(p.y)}.minus(half).plus(vec{round, round})
			return vec{max(p.x, 0), max(p.y, 0)}.length() + min(max(p.x, p.y), 0) - round
		}
		a.drop(at, half.length(), 1.5, outline, func(vec) colour { return col })
	}
}

// piece lays down a plate, or what is left of it, with the pattern on it. It
// has been painted by hand, and it has been used.
func (a *artist) piece(d *dice, repeat float64, paint pattern) {
	at := d.near(vec{Size / 2, Size / 2}, 12)
	radius := d.in(42, 58)
	outline := sherd(d, radius)

	glaze, first := d.pick(glaze), int(d.in(0, float64(len(pigments))))
	inks := make([]colour, len(pigments))
	for i := range inks {
		inks[i] = d.pick(pigments[(first+i)%len(pigments):][:1])
	}
	axis, middle := direction(d.in(-0.05, 0.05)), d.near(vec{}, 0.4*radius)
	repeat *= d.in(0.85, 1.15)
	weight, shake, wear := d.in(0.85, 1.15), d.in(0, 0.2), d.in(0, 0.35)
	hand := newNoise(d)
	a.drop(at, radius, 2.5, outline, func(p vec) colour {
		p = p.minus(middle).along(axis).times(1 / repeat)
		slow := p.times(0.8)
		p = p.plus(vec{hand.at(slow), hand.at(slow.plus(vec{5.3, 1.7}))}.times(shake))
		edge, stroke := paint(p, weight)
		cover := clamp(0.5-float64(edge*repeat), 0, 1)
		left := 1 - float64(wear*smooth(0.5+float64(2*hand.at(p.times(2.3)))))
		n := len(inks)
		return glaze.mix(inks[(stroke%n+n)%n], cover*left)
	})
}

// sherd is the outline of a round plate, or of what remains of one that broke
// along five to eight straight lines.
func sherd(d *dice, radius float64) func(vec) float64 {
	type crack struct {
		normal vec
		far    float64
	}
	cracks := make([]crack, int(d.in(1, 9)))
	if len(cracks) < 5 {
		cracks = nil
	}
	turn := d.in(0, 1)
	for i := range cracks {
		turns := turn + (float64(i)+d.in(-0.3, 0.3))/float64(len(cracks))
		cracks[i] = crack{direction(turns), float64(radius * d.in(0.75, 0.95))}
	}
	return func(p vec) float64 {
		edge := p.length() - radius
		for _, c := range cracks {
			edge = max(edge, p.dot(c.normal)-c.far)
		}
		return edge
	}
}

// drop lays a body of some height on the ground: first its shadow, then itself,
// with its rim in the light or away from it. The outline says how far a point
// lies outside of the body, the skin what colour it has there; both have their
// origin at the place of the body.
func (a *artist) drop(at vec, reach, height float64, outline func(vec) float64, skin func(vec) colour) {
	shadow := at.minus(a.light.times(height))
	a.paint(shadow, reach+height, func(p vec) (colour, float64) {
		return colour{}, float64(0.5 * smooth(0.5-outline(p.minus(shadow))/(2*height)))
	})
	a.paint(at, reach+1, func(p vec) (colour, float64) {
		p = p.minus(at)
		edge := outline(p)
		if edge > 0.5 {
			return colour{}, 0
		}
		col := skin(p)
		if edge > -height {
			slope := vec{
				outline(p.plus(vec{0.5, 0})) - outline(p.minus(vec{0.5, 0})),
				outline(p.plus(vec{0, 0.5})) - outline(p.minus(vec{0, 0.5})),
			}
			col = col.times(1 + float64(0.5*slope.dot(a.light)*(1+edge/height)))
		}
		return col, clamp(0.5-edge, 0, 1)
	})
}

// shine lights the picture, and more so from where the light comes.
func (a *artist) shine(exposure, slope float64) {
	for i := range a.canvas {
		p := vec{float64(i%Size) - Size/2, float64(i/Size) - Size/2}.times(1. / Size)
		a.canvas[i] = a.canvas[i].times(exposure + float64(slope*p.dot(a.light)))
	}
}
