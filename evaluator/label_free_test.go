package evaluator

import (
	"math"
	"testing"

	"selfstream/stages/random"
)

// TestFigures: noise uses all of its dimensions, a collapsed encoder one.
func TestFigures(t *testing.T) {
	const dim = 16
	noise := gaussians(random.New(1), 3000, [][]float32{make([]float32, dim)})
	noise.Labels = nil
	constant := Features{Dim: dim, X: make([]float32, 100*dim)}
	for i := range constant.X {
		constant.X[i] = 0.5
	}
	for _, tc := range []struct {
		name      string
		p         Probe
		f         Features
		want, err float64
	}{
		{"rank of noise", RankMe{}, noise, dim, 0.1},
		{"rank of a constant", RankMe{}, constant, 1, 1e-4},
		{"spread of noise", Std{}, noise, 1 / math.Sqrt(dim), 0.005},
		{"spread of a constant", Std{}, constant, 0, 1e-9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := judge(t, tc.p, Task{Train: tc.f})
			if math.Abs(v.Value-tc.want) > tc.err {
				t.Errorf("have %g, want %g ± %g", v.Value, tc.want, tc.err)
			}
			if want := min(tc.f.Len(), labelFreeImages); v.Train != want || v.Test != 0 {
				t.Errorf("have %d and %d images, want %d and 0", v.Train, v.Test, want)
			}
		})
	}
}
