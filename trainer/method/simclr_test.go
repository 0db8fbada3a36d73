package method

import (
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/stages/oracletest"
)

// contrast is the loss of SimCLR on the embeddings of two views.
func contrast(temperature float64) func(in []*Node) *Node {
	return func(in []*Node) *Node {
		s := similarities(Concatenate(in, 0), temperature)
		return infoNCE(s, partners(s))
	}
}

func TestOracleNTXent(t *testing.T) {
	oracletest.Each(t, "ntxent_*", func(t *testing.T, c oracletest.Case) {
		compare(t, c, contrast(c.Parameter("temperature")), "z0", "z1")
	})
}

func TestNTXentByHand(t *testing.T) {
	a, b := golden()
	same := [][]float32{{1, 2}, {2, 4}, {0.5, 1}}
	pair := [][]float32{{1, 0}, {0, 1}}
	for _, tc := range []struct {
		name string
		a, b [][]float32
		t    float64
		want float64
	}{
		{"golden, warm", a, b, 0.5, 1.9748688480},
		{"golden, cold", a, b, 0.1, 5.7816435257},
		{"all in one direction", same, same, 0.2, math.Log(2*3 - 1)},
		{"all zero", [][]float32{{0, 0}}, [][]float32{{0, 0}}, 0.2, 0}, // one choice
		{"two pairs at right angles", pair, pair, 1, math.Log(1 + 2*math.Exp(-1))},
		{"so cold that exp overflows", pair, pair, 1e-3, 0},
		{"so cold, and all wrong", pair, [][]float32{{0, 1}, {1, 0}}, 1e-3, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, grads := gradients(t, contrast(tc.t), tc.a, tc.b)
			if err := near(have, tc.want, 1e-5); err != nil {
				t.Error(err)
			}
			if err := finite(grads); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNTXentByLoops compares with algorithm 1 of the paper as loops in float64.
func TestNTXentByLoops(t *testing.T) {
	for _, n := range []int{1, 2, 4, 33} {
		for _, d := range []int{1, 2, 16, 64} {
			for _, temperature := range []float64{0.1, 1, 10} {
				a, b := normal(1, n, d), normal(2, n, d)
				have, _ := gradients(t, contrast(temperature), a, b)
				if err := near(have, ntXentLoops(a, b, temperature), 1e-5); err != nil {
					t.Errorf("n %d, d %d, temperature %g: %v", n, d, temperature, err)
				}
				swapped, _ := gradients(t, contrast(temperature), b, a)
				if err := near(swapped, have, 1e-6); err != nil {
					t.Errorf("n %d, d %d, temperature %g: views swapped: %v", n, d, temperature, err)
				}
			}
		}
	}
}

func ntXentLoops(a, b [][]float32, temperature float64) float64 {
	z := slices.Concat(a, b)
	partner := func(i int) int { return (i + len(a)) % len(z) }
	var loss float64
	for i := range z {
		var sum float64
		for j := range z {
			if j != i {
				sum += math.Exp(cosine(z[i], z[j]) / temperature)
			}
		}
		loss += math.Log(sum) - cosine(z[i], z[partner(i)])/temperature
	}
	return loss / float64(len(z))
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// TestContrastiveTop1: a row finds its partner, or not; where all are alike
// nobody finds anybody.
func TestContrastiveTop1(t *testing.T) {
	pair, swapped := [][]float32{{1, 0}, {0, 1}}, [][]float32{{0, 1}, {1, 0}}
	lost := [][]float32{{1, 0.1}, {0.8, 0.2}} // the second image looks like the first in its second view
	for _, tc := range []struct {
		name string
		a, b [][]float32
		want float32
	}{
		{"all right", pair, pair, 1},
		{"all wrong", pair, swapped, 0},
		{"all alike", [][]float32{{1, 0}, {1, 0}}, [][]float32{{1, 0}, {1, 0}}, 0},
		{"one of four lost", pair, lost, 0.75},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := run(t, func(in []*Node) []*Node {
				s := similarities(Concatenate(in, 0), 0.5)
				return []*Node{nearest(s, partners(s))}
			}, tc.a, tc.b)
			if have := tensors.ToScalar[float32](out[0]); have != tc.want {
				t.Errorf("have %g, want %g", have, tc.want)
			}
		})
	}
}
