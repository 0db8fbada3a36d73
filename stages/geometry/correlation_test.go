package geometry

import (
	"math"
	"testing"
)

// TestCrossCorrelationByHand has columns that are ±1, whose correlations can be
// counted.
func TestCrossCorrelationByHand(t *testing.T) {
	for _, tc := range []struct {
		name             string
		a, b             []float32
		n, d             int
		want             []float64
		diagonal, others float64
	}{
		{
			"independent dimensions, and views alike",
			[]float32{1, 1, 1, -1, -1, 1, -1, -1}, []float32{1, 1, 1, -1, -1, 1, -1, -1}, 4, 2,
			[]float64{1, 0, 0, 1}, 1, 0,
		},
		{
			"units and offsets",
			[]float32{1, 1, 1, -1, -1, 1, -1, -1}, []float32{109, 31, 109, -29, 89, 31, 89, -29}, 4, 2,
			[]float64{1, 0, 0, 1}, 1, 0,
		},
		{
			"the same twice",
			[]float32{1, 1, -1, -1}, []float32{1, 1, -1, -1}, 2, 2,
			[]float64{1, 1, 1, 1}, 1, 1,
		},
		{
			"exchanged, and one turned round",
			[]float32{1, 1, 1, -1, -1, 1, -1, -1}, []float32{1, -1, -1, -1, 1, 1, -1, 1}, 4, 2,
			[]float64{0, -1, 1, 0}, 0, 1,
		},
		{
			"three of four",
			[]float32{1, 1, -1, -1}, []float32{1, -1, -1, -1}, 4, 1, // deviation √3/2
			[]float64{1 / math.Sqrt(3)}, 1 / math.Sqrt(3), 0,
		},
		{"a constant", []float32{5, 5}, []float32{1, 2}, 2, 1, []float64{0}, 0, 0},
	} {
		c := CrossCorrelation(tc.a, tc.b, tc.n, tc.d)
		for i, want := range tc.want {
			if !near(c[i], want, 2e-5) { // ε
				t.Errorf("%s: have %v, want %v", tc.name, c, tc.want)
				break
			}
		}
		if diagonal, others := Identity(c, tc.d); !near(diagonal, tc.diagonal, 2e-5) || !near(others, tc.others, 2e-5) {
			t.Errorf("%s: have %g on the diagonal and %g elsewhere, want %g and %g", tc.name, diagonal, others, tc.diagonal, tc.others)
		}
	}
}

// TestCrossCorrelationOfNoise: of independent dimensions and views, n images
// show correlations of 1/√n.
func TestCrossCorrelationOfNoise(t *testing.T) {
	const n, d = 400, 32
	both := normal(2*n, d)
	diagonal, others := Identity(CrossCorrelation(both[:n*d], both[n*d:], n, d), d)
	if !near(diagonal, 0, 4/math.Sqrt(n*d)) || !near(others, 1/math.Sqrt(n), 0.1/math.Sqrt(n)) {
		t.Errorf("have %.4f on the diagonal and %.4f elsewhere, want about 0 and %.4f", diagonal, others, 1/math.Sqrt(n))
	}
}
