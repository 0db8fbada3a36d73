package geometry

import (
	"math"
	"testing"
)

func TestAlignmentByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b []float32
		n, d int
		want float64
	}{
		{"the same", []float32{1, 2, 3, 4}, []float32{1, 2, 3, 4}, 2, 2, 0},
		{"other lengths", []float32{1, 2, 3, 4}, []float32{5, 10, 0.3, 0.4}, 2, 2, 0},
		{"at right angles", []float32{1, 0, 0, 7}, []float32{0, 3, 2, 0}, 2, 2, 2},
		{"opposite", []float32{1, 1}, []float32{-2, -2}, 1, 2, 4},
		{"one of two", []float32{1, 0, 1, 0}, []float32{1, 0, -1, 0}, 2, 2, 2},
		{"60 degrees", []float32{1, 0}, []float32{0.5, float32(math.Sqrt(3) / 2)}, 1, 2, 1}, // 2 − 2·cos
		{"nothing", []float32{0, 0}, []float32{3, 4}, 1, 2, 1},
	} {
		if have := Alignment(tc.a, tc.b, tc.n, tc.d); !near(have, tc.want, 1e-6) {
			t.Errorf("%s: have %g, want %g", tc.name, have, tc.want)
		}
	}
}

func TestUniformityByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		x    []float32
		n, d int
		want float64
	}{
		{"one place", []float32{1, 1, 2, 2, 3, 3}, 3, 2, 0},
		{"single", []float32{1, 2}, 1, 2, 0},
		{"opposite", []float32{1, 0, -5, 0}, 2, 2, -8},
		// Every pair is at right angles.
		{"identity", identity(16), 16, 16, -4},
		// Four pairs at right angles and two that are opposite.
		{"a cross", []float32{1, 0, 0, 1, -1, 0, 0, -1}, 4, 2, math.Log((4*math.Exp(-4) + 2*math.Exp(-8)) / 6)},
	} {
		if have := Uniformity(tc.x, tc.n, tc.d); !near(have, tc.want, 1e-6) {
			t.Errorf("%s: have %.9f, want %.9f", tc.name, have, tc.want)
		}
	}
}

// TestUniformityOfTheSphere: over the sphere in three dimensions the cosine of
// two points is even in −1 … 1, so that the mean of exp(4·cos − 4) is
// e⁻⁴ · sinh(4)/4. In many dimensions it is −4 + 8/d, but for d⁻².
func TestUniformityOfTheSphere(t *testing.T) {
	for _, tc := range []struct {
		d    int
		want float64
	}{
		{3, math.Log(math.Sinh(4)/4) - 4},
		{128, -4 + 8./128},
	} {
		if have := Uniformity(normal(1500, tc.d), 1500, tc.d); !near(have, tc.want, 0.01) {
			t.Errorf("%d dimensions: have %.4f, want %.4f", tc.d, have, tc.want)
		}
	}
}
