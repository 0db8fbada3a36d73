package method

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/stages/oracletest"
)

func correlation(lambda float64) func(in []*Node) *Node {
	return func(in []*Node) *Node { return fromIdentity(crossCorrelation(in[0], in[1]), lambda) }
}

func TestOracleBarlow(t *testing.T) {
	oracletest.Each(t, "barlow_*", func(t *testing.T, c oracletest.Case) {
		compare(t, c, correlation(c.Parameter("lambda")), "z0", "z1")
	})
}

// TestBarlowByHand has cases whose correlation matrix is plain to see. The two
// columns of ortho have mean 0, variance 1 and product 0.
func TestBarlowByHand(t *testing.T) {
	const lambda = 0.1
	a, b := golden()
	ortho := [][]float32{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}}
	same := [][]float32{{1, 1}, {1, 1}, {-1, -1}, {-1, -1}}
	flat := [][]float32{{5, 1}, {5, -1}} // the first column never changes
	for _, tc := range []struct {
		name   string
		a, b   [][]float32
		lambda float64
		want   float64
	}{
		{"golden", a, b, 5e-3, 0.9321098219},
		{"golden, diagonal", a, b, 0, 0.9269056333},
		{"C = I", ortho, ortho, lambda, 0},
		{"C = -I", ortho, affine(ortho, -1, 0), lambda, 2 * 2 * 2}, // (1+1)² for each of two dimensions
		{"C = 1", same, same, lambda, 2 * lambda},                  // two off-diagonal ones
		{"scale and shift do not matter", ortho, affine(ortho, 3, 7), lambda, 0},
		{"constant column", flat, flat, lambda, 1}, // (1-0)², and no division by 0
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, grads := gradients(t, correlation(tc.lambda), tc.a, tc.b)
			if err := near(have, tc.want, 1e-4); err != nil { // ε takes 1e-5 of each correlation
				t.Error(err)
			}
			if err := finite(grads); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBarlowByLoops compares with equation 1 as loops in float64.
func TestBarlowByLoops(t *testing.T) {
	for _, shape := range [][2]int{{2, 1}, {8, 3}, {64, 32}} {
		a, b := normal(1, shape[0], shape[1]), normal(2, shape[0], shape[1])
		for _, lambda := range []float64{0, 5e-3, 1} {
			have, _ := gradients(t, correlation(lambda), a, b)
			if err := near(have, barlowLoops(a, b, lambda), 1e-5); err != nil {
				t.Errorf("shape %v, lambda %g: %v", shape, lambda, err)
			}
		}
		x, _ := gradients(t, correlation(5e-3), a, a)
		y, _ := gradients(t, correlation(5e-3), a, affine(a, 2, 4))
		if err := near(y, x, 1e-4); err != nil {
			t.Errorf("shape %v: of x and 2x + 4, against x and x: %v", shape, err)
		}
	}
}

func barlowLoops(a, b [][]float32, lambda float64) float64 {
	n, d := len(a), len(a[0])
	moments := func(x [][]float32, j int) (mean, std float64) {
		for i := range x {
			mean += float64(x[i][j]) / float64(n)
		}
		for i := range x {
			std += math.Pow(float64(x[i][j])-mean, 2) / float64(n)
		}
		return mean, math.Sqrt(std + 1e-5)
	}
	var loss float64
	for i := range d {
		for j := range d {
			ma, sa := moments(a, i)
			mb, sb := moments(b, j)
			var c float64
			for k := range n {
				c += (float64(a[k][i]) - ma) / sa * (float64(b[k][j]) - mb) / sb / float64(n)
			}
			if i == j {
				loss += (1 - c) * (1 - c)
			} else {
				loss += lambda * c * c
			}
		}
	}
	return loss
}

func affine(x [][]float32, scale, shift float32) [][]float32 {
	y := make([][]float32, len(x))
	for i := range x {
		for _, v := range x[i] {
			y[i] = append(y[i], scale*v+shift)
		}
	}
	return y
}
