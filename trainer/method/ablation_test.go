package method

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// TestWithoutNegativesByHand: a loss of partners alone has its least where all
// rows are alike, where NT-Xent has that of blind guessing.
func TestWithoutNegativesByHand(t *testing.T) {
	const temperature = 0.5
	alone := func(in []*Node) *Node {
		s := similarities(Concatenate(in, 0), temperature)
		return Neg(ReduceAllMean(likeness(s, partners(s))))
	}
	same := [][]float32{{1, 2}, {2, 4}, {0.5, 1}}
	pair := [][]float32{{1, 0}, {0, 1}}
	for _, tc := range []struct {
		name           string
		a, b           [][]float32
		alone, against float64
	}{
		{"all in one direction", same, same, -1 / temperature, math.Log(2*3 - 1)},
		{"two pairs at right angles", pair, pair, -1 / temperature, math.Log(1 + 2*math.Exp(-1/temperature))},
		{"partners at right angles", pair, [][]float32{{0, 1}, {1, 0}}, 0, math.Log(2 + math.Exp(1/temperature))},
	} {
		for _, loss := range []struct {
			of   func(in []*Node) *Node
			want float64
		}{{alone, tc.alone}, {contrast(temperature), tc.against}} {
			have, _ := gradients(t, loss.of, tc.a, tc.b)
			if err := near(have, loss.want, 1e-5); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	}
}

// TestWithout: what is left out is not there, all else is, and the rest of the
// network learns.
func TestWithout(t *testing.T) {
	for _, tc := range []struct {
		method, part string
		gone, there  []string // of variables
	}{
		{"simclr", whole, nil, []string{"/head/projector"}},
		{"simclr", negatives, nil, []string{"/head/projector"}},
		{"byol", whole, nil, []string{"/head/predictor", "/target/head/projector"}},
		{"byol", predictor, []string{"/head/predictor"}, []string{"/head/projector", "/target/head/projector"}},
		{"byol", stopGradient, []string{"/target"}, []string{"/head/predictor", "/head/projector"}},
	} {
		t.Run(tc.method+" without "+tc.part, func(t *testing.T) {
			m, err := New(tc.method, map[string]string{"dim": "16", "hidden": "32", "without": tc.part})
			if err != nil {
				t.Fatal(err)
			}
			s := newStudent(t, goBackend(t), m)
			first := s.step(t, 0)
			for i := 1; i < allSteps; i++ {
				if last := s.step(t, i); i == allSteps-1 && !(last < first-0.05*math.Abs(first)) {
					t.Errorf("have a loss of %g after one of %g, want it lower by a twentieth", last, first)
				}
			}
			has := func(prefix string) bool {
				return slices.ContainsFunc(paths(s.store), func(path string) bool { return strings.HasPrefix(path, prefix) })
			}
			for _, prefix := range tc.there {
				if !has(prefix) {
					t.Errorf("have nothing below %s", prefix)
				}
			}
			for _, prefix := range tc.gone {
				if has(prefix) {
					t.Errorf("have variables below %s, want none", prefix)
				}
			}
		})
	}
}

// TestMagnitudes has correlation matrices that are plain to see.
func TestMagnitudes(t *testing.T) {
	ortho := [][]float32{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}}
	same := [][]float32{{1, 1}, {1, 1}, {-1, -1}, {-1, -1}}
	single := [][]float32{{1}, {-1}}
	for _, tc := range []struct {
		name          string
		a             [][]float32
		diagonal, off float64
	}{
		{"C = I", ortho, 1, 0},
		{"C = 1", same, 1, 1},
		{"one dimension", single, 1, 0},
	} {
		for i, want := range []float64{tc.diagonal, tc.off} {
			have, _ := gradients(t, func(in []*Node) *Node {
				diagonal, off := magnitudes(crossCorrelation(in[0], in[0]))
				return []*Node{diagonal, off}[i]
			}, tc.a)
			if err := near(have, want, 1e-4); err != nil {
				t.Errorf("%s, value %d: %v", tc.name, i, err)
			}
		}
	}
}
