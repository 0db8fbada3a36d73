package geometry

import (
	"math"
	"testing"

	"selfstream/stages/random"
)

func near(have, want, tolerance float64) bool { return math.Abs(have-want) <= tolerance }

func TestSpectrum(t *testing.T) {
	for _, tc := range []struct {
		name string
		x    []float32
		n, d int
		want []float64
	}{
		// Variances 2·9/4 and 2·1/4 about the mean (5, 7).
		{"a cross", []float32{8, 7, 2, 7, 5, 8, 5, 6}, 4, 2, []float64{0.9, 0.1}},
		{"a line", []float32{1, 1, 2, 2, 3, 3}, 3, 2, []float64{1, 0}},
		{"a point", []float32{4, 5, 4, 5}, 2, 2, []float64{0, 0}},
		{"more dimensions than points", []float32{1, 0, 0, 0, 1, 0}, 2, 3, []float64{1, 0}},
		{"no number", []float32{1, float32(math.NaN()), 2, 3}, 2, 2, []float64{math.NaN()}},
	} {
		have := Spectrum(tc.x, tc.n, tc.d)
		if len(have) != len(tc.want) {
			t.Errorf("%s: have %v, want %v", tc.name, have, tc.want)
			continue
		}
		for i, v := range have {
			if !near(v, tc.want[i], 1e-12) && !(math.IsNaN(v) && math.IsNaN(tc.want[i])) {
				t.Errorf("%s: have %v, want %v", tc.name, have, tc.want)
			}
		}
	}
}

// TestMapKeepsAPlane: points of a plane in space keep their distances.
func TestMapKeepsAPlane(t *testing.T) {
	const n, d = 40, 7
	var u, v [d]float64
	key := random.New(3)
	for j := range d {
		u[j], v[j] = key.Normal(uint64(2*j)), key.Normal(uint64(2*j+1))
	}
	x := make([]float32, n*d)
	for i := range n {
		a, b := 3*key.Normal(uint64(100+2*i)), key.Normal(uint64(101+2*i))
		for j := range d {
			x[i*d+j] = float32(5 + a*u[j] + b*v[j])
		}
	}
	places, share := Map(x, n, d)
	if !near(share[0]+share[1], 1, 1e-6) || share[0] < share[1] {
		t.Errorf("have shares %v, want the larger first, and 1 together", share)
	}
	distance := func(p []float32, i, j, d int) float64 {
		var sum float64
		for k := range d {
			sum += math.Pow(float64(p[i*d+k])-float64(p[j*d+k]), 2)
		}
		return math.Sqrt(sum)
	}
	for i := range n {
		for j := range i {
			if have, want := distance(places, i, j, 2), distance(x, i, j, d); !near(have, want, 1e-4*(1+want)) {
				t.Fatalf("%d to %d: have distance %g, want %g", i, j, have, want)
			}
		}
	}
	if again, _ := Map(x, n, d); again[0] != places[0] || again[2*n-1] != places[2*n-1] {
		t.Error("the same embeddings have another map")
	}
}

func TestMapOfLittle(t *testing.T) {
	if places, share := Map([]float32{1, 2, 4}, 3, 1); share != [2]float64{1, 0} || places[0] >= places[2] || places[1] != 0 {
		t.Errorf("one dimension: have %v and %v", places, share)
	}
	if places, share := Map([]float32{float32(math.Inf(1)), 2, 3, 4}, 2, 2); share != [2]float64{} || places[0] != 0 {
		t.Errorf("no numbers: have %v and %v, want zeros", places, share)
	}
	if places, _ := Map([]float32{1, 2}, 1, 2); places[0] != 0 || places[1] != 0 {
		t.Errorf("one embedding: have %v, want the origin", places)
	}
}
