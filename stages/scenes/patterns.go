package scenes

import "math"

// patterns are what is painted on the pieces, one a class, in the order of the
// labels.
var patterns = []struct {
	name   string
	repeat float64 // in pixels, on average
	at     pattern
}{
	{"bricks", 32, bricks},
	{"checks", 30, checks},
	{"chevrons", 26, chevrons},
	{"crosses", 26, crosses},
	{"dots", 20, dots},
	{"rays", 20, rays},
	{"rings", 22, rings},
	{"spirals", 34, spirals},
	{"triangles", 34, triangles},
	{"waves", 16, waves},
}

// A pattern says of a point how far it lies from the nearest edge of the ink,
// below zero where there is ink, and which stroke it belongs to. The unit of
// length is one repeat; the origin is the middle of the painting.
type pattern func(p vec, weight float64) (edge float64, stroke int)

func bricks(p vec, weight float64) (float64, int) {
	row := math.Floor(2 * p.y)
	x := p.x + float64(0.5*row)
	joint := 0.07 * weight
	return max(math.Abs(cell(x))-(0.5-joint), math.Abs(cell(2*p.y))/2-(0.25-joint)), both(x, 2*p.y)
}

func checks(p vec, _ float64) (float64, int) {
	x, y := math.Abs(cell(p.x))-0.25, math.Abs(cell(p.y))-0.25
	return max(min(x, y), -max(x, y)), both(2*p.x+0.5, 2*p.y+0.5)
}

func chevrons(p vec, weight float64) (float64, int) {
	t := (p.y + math.Abs(cell(p.x/1.5))*1.8) * 0.65
	return math.Abs(cell(t)) - 0.25*weight, both(t, 0)
}

func crosses(p vec, weight float64) (float64, int) {
	x, y := math.Abs(cell(p.x)), math.Abs(cell(p.y))
	long, thick := 0.4, 0.13*weight
	return min(max(x-long, y-thick), max(x-thick, y-long)), both(p.x, p.y)
}

func dots(p vec, weight float64) (float64, int) {
	const high = 1.7320508 // of the cell with a dot in its middle and one in its corners
	q := vec{p.x + 0.5, p.y/high + 0.5}
	a := vec{cell(p.x), cell(p.y/high) * high}.length()
	b := vec{cell(q.x), cell(q.y) * high}.length()
	radius := 0.3 * weight
	if a < b {
		return a - radius, both(p.x, 2*math.Floor(p.y/high))
	}
	return b - radius, both(q.x, 2*math.Floor(q.y)+1)
}

func rays(p vec, _ float64) (float64, int) {
	const n = 10
	t, r := angle(p)*n, p.length()
	return max((math.Abs(cell(t))-0.25)*r*2*math.Pi/n, 0.2-r), int(math.Floor(t)+n) % n
}

func rings(p vec, weight float64) (float64, int) {
	r := p.length()
	return math.Abs(cell(r)) - 0.25*weight, both(r, 0)
}

func spirals(p vec, weight float64) (float64, int) {
	const arms = 2
	t := p.length() + float64(arms*angle(p))
	return math.Abs(cell(t)) - 0.25*weight, int(math.Floor(t)) & 1
}

func triangles(p vec, _ float64) (float64, int) {
	near, up, id := 1.0, false, 0.0
	for i, across := range [3]vec{{1, 0}, {0.5, 0.8660254}, {-0.5, 0.8660254}} {
		t := p.dot(across)
		near = min(near, 0.5-math.Abs(cell(t)))
		up = up != (math.Mod(math.Floor(t), 2) != 0)
		if i < 2 {
			id = 3*id + math.Floor(t)
		}
	}
	if up {
		near = -near
	}
	return near, int(id)
}

func waves(p vec, weight float64) (float64, int) {
	t := p.y + float64(0.4*sine(p.x/2.2))
	return (math.Abs(cell(t)) - 0.25*weight) * 0.8, both(t, 0)
}

// both numbers the cell that x and y lie in.
func both(x, y float64) int { return int(math.Floor(x)) + 3*int(math.Floor(y)) }
