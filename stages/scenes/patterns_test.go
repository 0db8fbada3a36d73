package scenes

import (
	"math"
	"testing"

	"selfstream/stages/random"
)

// TestPatternsArePaintable takes short steps over every pattern: distances must
// not jump, strokes must keep their number from edge to edge, and ink must
// cover neither too little nor too much.
func TestPatternsArePaintable(t *testing.T) {
	const points, step = 20_000, 1e-3
	for _, pattern := range patterns {
		d := &dice{key: random.New(1)}
		ink := 0
		for range points {
			p := vec{d.in(-3, 3), d.in(-3, 3)}
			q := p.plus(direction(d.in(0, 1)).times(step))
			from, stroke := pattern.at(p, 1)
			to, next := pattern.at(q, 1)
			if math.Abs(to-from) > 2*step {
				t.Fatalf("%s: from %v to %v: have distances %g and %g, want them closer", pattern.name, p, q, from, to)
			}
			if from < -2*step && to < -2*step && stroke != next {
				t.Fatalf("%s: from %v to %v: have strokes %d and %d, want one", pattern.name, p, q, stroke, next)
			}
			if from < 0 {
				ink++
			}
		}
		if share := float64(ink) / points; share < 0.25 || share > 0.7 {
			t.Errorf("%s: have ink on %.2f of the plane, want 0.25 to 0.7", pattern.name, share)
		}
	}
}

// TestTrianglesAlternate turns the plane by a sixth about a corner, which swaps
// the triangles that point up and those that point down.
func TestTrianglesAlternate(t *testing.T) {
	d := &dice{key: random.New(1)}
	sixth := vec{0.5, math.Sqrt(3) / 2}
	for range 1000 {
		p := vec{d.in(-3, 3), d.in(-3, 3)}
		have, _ := triangles(p.along(sixth), 1)
		want, _ := triangles(p, 1)
		if math.Abs(have+want) > 1e-5 {
			t.Fatalf("%v, turned: have %g, want %g", p, have, -want)
		}
	}
}
