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

// A pattern says of a point how far it lies from the nearest edge of the
// strokes, below zero inside of one, and the number of the stroke, which
// decides its colour. The unit of length is one repeat, the origin is the
// middle of the painting, and the weight of the strokes is about 1.
type pattern func(p vec, weight float64) (edge float64, stroke int)

func bricks(p vec, weight float64) (float64, int) {
	row := math.Floor(2 * p.y)
	x, y := p.x+float64(0.5*row), float64(2*p.y)
	joint := float64(0.07 * weight)
	return max(math.Abs(cell(x))-(0.5-joint), float64(0.5*math.Abs(cell(y)))-(0.25-joint)), number(x, y)
}

func checks(p vec, _ float64) (float64, int) {
	x, y := math.Abs(cell(p.x))-0.25, math.Abs(cell(p.y))-0.25
	return max(min(x, y), -max(x, y)), number(float64(2*p.x)+0.5, float64(2*p.y)+0.5)
}

func chevrons(p vec, weight float64) (float64, int) {
	return stripe(float64(0.65*(p.y+float64(1.8*math.Abs(cell(p.x/1.5))))), weight)
}

func crosses(p vec, weight float64) (float64, int) {
	x, y := math.Abs(cell(p.x)), math.Abs(cell(p.y))
	long, thick := 0.4, float64(0.13*weight)
	return min(max(x-long, y-thick), max(x-thick, y-long)), number(p.x, p.y)
}

// dots sit in the middles and in the corners of cells as high as √3 times their
// width.
func dots(p vec, weight float64) (float64, int) {
	const high = 1.7320508
	q := vec{p.x, p.y / high}
	r := q.plus(vec{0.5, 0.5})
	middle := vec{cell(q.x), float64(high * cell(q.y))}.length()
	corner := vec{cell(r.x), float64(high * cell(r.y))}.length()
	radius := float64(0.3 * weight)
	if middle < corner {
		return middle - radius, number(q.x, q.y)
	}
	return corner - radius, number(r.x, r.y) + 2
}

func rays(p vec, _ float64) (float64, int) {
	const n = 10
	t, r := float64(n*angle(p)), p.length()
	edge := float64((math.Abs(cell(t)) - 0.25) * r * (2 * math.Pi / n))
	return max(edge, 0.2-r), number(t, 0)
}

func rings(p vec, weight float64) (float64, int) { return stripe(p.length(), weight) }

func spirals(p vec, weight float64) (float64, int) {
	const arms = 2
	r := p.length()
	edge, n := stripe(r+float64(arms*angle(p)), weight)
	narrow := r / vec{r, arms / (2 * math.Pi)}.length() // for an arm there is less room in the middle
	return float64(narrow * edge), n & (arms - 1)
}

// triangles lie between three families of lines. Whoever crosses a line comes
// from a triangle that points up to one that points down.
func triangles(p vec, _ float64) (float64, int) {
	a := p.x
	b := p.dot(vec{0.5, 0.8660254})
	c := b - a
	edge := 0.5 - max(math.Abs(cell(a)), math.Abs(cell(b)), math.Abs(cell(c)))
	if int(math.Floor(a)+math.Floor(b)+math.Floor(c))&1 != 0 {
		edge = -edge
	}
	return edge, number(a, b)
}

func waves(p vec, weight float64) (float64, int) {
	edge, n := stripe(p.y+float64(0.4*sine(p.x/2.2)), weight)
	return float64(0.8 * edge), n // they are narrower where they are steep
}

// stripe paints the middle of each unit of t.
func stripe(t, weight float64) (float64, int) {
	return math.Abs(cell(t)) - float64(0.25*weight), number(t, 0)
}

// number is another one for each cell next to that of x and y.
func number(x, y float64) int { return int(math.Floor(x)) + 2*int(math.Floor(y)) }
