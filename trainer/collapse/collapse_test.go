package collapse

import (
	"math"
	"slices"
	"strings"
	"testing"

	"selfstream/stages/random"
)

// cases are embeddings [n, d] with the figures and the warnings that they must
// give when they stand; "" for none.
var cases = []struct {
	name         string
	n, d         int
	at           func(i, j int) float64
	loss, chance float64
	std, rank    float64 // 0: not asked
	want         string
}{
	{"all alike", 64, 32, func(i, j int) float64 { return 1 }, 1, 4, 0, 1, "all images get nearly the same embedding"},
	{"identity", 32, 32, func(i, j int) float64 { return one(i == j) }, 1, 4, 1 / math.Sqrt(32), 32, ""},
	{"evenly drawn", 256, 128, normal, 1, 4, 0, 0, ""},
	{"evenly drawn, far from 0", 256, 128, func(i, j int) float64 { return 0.5 + normal(i, j) }, 1, 4, 0, 0, ""},
	{"two of 128", 256, 128, func(i, j int) float64 { return normal(i, j) * one(j < 2) }, 1, 4, 0, 0, "the embedding uses 2 of its 128 dimensions"},
	{"one direction, both ways", 64, 32, func(i, j int) float64 { return float64(1 - i%2*2) }, 1, 4, math.Sqrt(64. / 63 / 32), 1, "the embedding uses 1 of its 32 dimensions"},
	{"a narrow embedding, all of it used", 64, 4, normal, 1, 4, 0, 0, ""},
	{"fewer rows than dimensions", 16, 128, normal, 1, 4, 0, 0, ""},
	{"loss at chance", 256, 128, normal, math.Log(8) + 0.01, math.Log(8), 0, 0, "the loss stays at 2.089, which is that of blind guessing (2.079)"},
	{"loss a little below chance", 256, 128, normal, math.Log(8) - 0.1, math.Log(8), 0, 0, ""},
	{"no chance level", 256, 128, normal, 0, 0, 0, 0, ""},
	{"loss not a number", 256, 128, normal, math.NaN(), 4, 0, 0, "the run has diverged"},
	{"embedding not a number", 64, 32, func(i, j int) float64 { return math.NaN() }, 1, 4, 0, 0, "the run has diverged"},
	{"embedding infinite", 64, 32, func(i, j int) float64 { return math.Inf(1) }, 1, 4, 0, 0, "the run has diverged"},
}

func TestLook(t *testing.T) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var m Monitor
			x := matrix(tc.n, tc.d, tc.at)
			diverged := tc.want == "the run has diverged"
			for look := range Patience + 1 {
				c := m.Look(x, tc.n, tc.d, tc.loss, tc.chance)
				want := tc.want
				if look < Patience-1 && !diverged {
					want = ""
				}
				all := strings.Join(c.Warnings, "\n")
				if (want == "") != (all == "") || !strings.Contains(all, want) {
					t.Errorf("look %d: have warnings %q, want %q", look, c.Warnings, want)
				}
				if c.Dim != tc.d || c.StdIdeal != 1/math.Sqrt(float64(tc.d)) || c.Chance != tc.chance {
					t.Errorf("have dim %d, ideal %g, chance %g", c.Dim, c.StdIdeal, c.Chance)
				}
				if tc.rank > 0 && (math.Abs(c.Std-tc.std) > 1e-5 || math.Abs(c.Rank-tc.rank) > 1e-5) {
					t.Errorf("have std %g and rank %g, want %g and %g", c.Std, c.Rank, tc.std, tc.rank)
				}
			}
		})
	}
}

// TestPatience: a sign that goes away starts anew, and does not wait for others.
func TestPatience(t *testing.T) {
	var m Monitor
	good := matrix(64, 32, normal)
	losses := []float64{2, 2, 1, 2, 2, 2, 1, 2}
	var warned []bool
	for _, loss := range losses {
		warned = append(warned, len(m.Look(good, 64, 32, loss, 2).Warnings) > 0)
	}
	if want := []bool{false, false, false, false, false, true, false, false}; !slices.Equal(warned, want) {
		t.Errorf("have %v, want %v", warned, want)
	}
}

// TestRowsAreBounded: a large batch is judged by its first rows.
func TestRowsAreBounded(t *testing.T) {
	x := matrix(4*Rows, 8, func(i, j int) float64 { return one(i < Rows) * normal(i, j) })
	have, want := new(Monitor).Look(x, 4*Rows, 8, 1, 0), new(Monitor).Look(x[:Rows*8], Rows, 8, 1, 0)
	if have.Std != want.Std || have.Rank != want.Rank {
		t.Errorf("have %+v, want %+v", have, want)
	}
}

func matrix(n, d int, at func(i, j int) float64) []float32 {
	x := make([]float32, n*d)
	for i := range x {
		x[i] = float32(at(i/d, i%d))
	}
	return x
}

func normal(i, j int) float64 { return random.New(1).Fold(uint64(i)).Normal(uint64(j)) }

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func BenchmarkLook(b *testing.B) {
	x := matrix(256, 128, normal)
	for b.Loop() {
		new(Monitor).Look(x, 256, 128, 1, 4)
	}
}
