package geometry

import (
	"math"
	"testing"

	"selfstream/stages/random"
)

func TestStdByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		x    []float32
		n, d int
		want float64
	}{
		{"all alike", fill(8*4, 1), 8, 4, 0},
		{"one direction, many lengths", []float32{1, 2, 2, 4, 3, 6}, 3, 2, 0},
		{"identity", identity(16), 16, 16, 1. / 4}, // 1/√n
		{"opposite", []float32{3, 0, -5, 0}, 2, 2, math.Sqrt2 / 2},
		{"zero", make([]float32, 6), 3, 2, 0},
		{"single", []float32{1, 2, 3}, 1, 3, 0},
		// za[i][j] = sin(1+3i+j), through torch.nn.functional.normalize and torch.std.
		{"sines", sines(4, 3), 4, 3, 0.6256838831},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := Std(tc.x, tc.n, tc.d); math.Abs(have-tc.want) > 1e-6 {
				t.Errorf("have %.10f, want %.10f", have, tc.want)
			}
		})
	}
}

// TestStdOfTheSphere draws directions evenly, for which 1/√d is approached.
func TestStdOfTheSphere(t *testing.T) {
	const n, d = 4000, 64
	if have, want := Std(normal(n, d), n, d), 1/math.Sqrt(d); math.Abs(have-want) > 0.01*want {
		t.Errorf("have %.5f, want %.5f ± 1%%", have, want)
	}
}

func TestRankMeByHand(t *testing.T) {
	// Singular values 3 and 1: p = ¾, ¼.
	entropy := -(0.75*math.Log(0.75) + 0.25*math.Log(0.25))
	for _, tc := range []struct {
		name string
		x    []float32
		n, d int
		want float64
	}{
		{"identity", identity(16), 16, 16, 16},
		{"scaled identity", scale(identity(5), 1e-20), 5, 5, 5},
		{"all alike", fill(200*64, 0.1), 200, 64, 1},
		{"wide, all alike", fill(4*64, 0.1), 4, 64, 1},
		{"3 and 1", []float32{0, 3, 0, -1, 0, 0}, 2, 3, math.Exp(entropy)},
		{"3 and 1, transposed", []float32{0, -1, 3, 0, 0, 0}, 3, 2, math.Exp(entropy)},
		{"zero", make([]float32, 6), 3, 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := RankMe(tc.x, tc.n, tc.d); math.Abs(have-tc.want) > 1e-4 {
				t.Errorf("have %.10f, want %.10f", have, tc.want)
			}
		})
	}
}

// TestRankMeOfNoise checks that white noise uses nearly all dimensions, and a
// few directions in many dimensions only those few.
func TestRankMeOfNoise(t *testing.T) {
	const n, d, k = 600, 32, 5
	if have := RankMe(normal(n, d), n, d); have < 0.98*d || have > d {
		t.Errorf("noise: have %.2f, want nearly %d", have, d)
	}
	narrow, full := make([]float32, n*d), normal(n, d)
	for i := range n {
		copy(narrow[i*d:i*d+k], full[i*d:])
	}
	if have := RankMe(narrow, n, d); have < 0.98*k || have > k {
		t.Errorf("noise in %d of %d dimensions: have %.2f", k, d, have)
	}
}

func TestNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		x := normal(8, 4)
		x[13] = float32(bad)
		if have := Std(x, 8, 4); !math.IsNaN(have) {
			t.Errorf("Std with %g: have %g, want NaN", bad, have)
		}
		if have := RankMe(x, 8, 4); !math.IsNaN(have) {
			t.Errorf("RankMe with %g: have %g, want NaN", bad, have)
		}
		if have := Alignment(x, x, 8, 4); !math.IsNaN(have) {
			t.Errorf("Alignment with %g: have %g, want NaN", bad, have)
		}
		if have := Uniformity(x, 8, 4); !math.IsNaN(have) {
			t.Errorf("Uniformity with %g: have %g, want NaN", bad, have)
		}
		if diagonal, others := Identity(CrossCorrelation(x, x, 8, 4), 4); !math.IsNaN(diagonal) || !math.IsNaN(others) {
			t.Errorf("Identity with %g: have %g and %g, want NaN", bad, diagonal, others)
		}
	}
}

func fill(n int, v float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func identity(n int) []float32 {
	x := make([]float32, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}

func scale(x []float32, by float32) []float32 {
	for i := range x {
		x[i] *= by
	}
	return x
}

func sines(n, d int) []float32 {
	x := make([]float32, 0, n*d)
	for i := range n {
		for j := range d {
			x = append(x, float32(math.Sin(float64(1+3*i+j))))
		}
	}
	return x
}

func normal(n, d int) []float32 {
	key := random.New(1)
	x := make([]float32, n*d)
	for i := range x {
		x[i] = float32(key.Normal(uint64(i)))
	}
	return x
}
