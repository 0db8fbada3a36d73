package method

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/view"
)

// TestShortcuts is a detector of shortcuts. Its images show nothing at all, so
// whoever tells where their patches lie does so by the light: by how bright, and
// of which colour, one patch is against another. Without defence the networks
// learn to, within a few steps. With patches that are normalised one by one they
// stay at chance.
func TestShortcuts(t *testing.T) {
	if testing.Short() {
		t.Skip("trains four networks")
	}
	const images = 400 // asked about
	for _, tc := range []struct {
		method    string
		normalize string
		steps     int
		least     float64 // accuracy; 0: chance
	}{
		{"context", "false", 30, 0.2},
		{"context", "true", 30, 0},
		{"jigsaw", "false", 30, 0.1},
		{"jigsaw", "true", 30, 0},
	} {
		m, err := New(tc.method, map[string]string{"normalize": tc.normalize, "fc6": "32", "fc7": "128"})
		if err != nil {
			t.Fatal(err)
		}
		s := newStudent(t, goBackend(t), m)
		s.lr = 3e-3
		for step := range tc.steps {
			if _, err := s.exec.Call(s.pose(m.Recipe(48), 64, uint64(step))...); err != nil {
				t.Fatal(err)
			}
		}
		s.lr = 0
		out, err := s.exec.Call(s.pose(m.Recipe(48), images, 1e6)...)
		if err != nil {
			t.Fatal(err)
		}
		have := float64(tensors.ToScalar[float32](out[2])) // the only value besides loss and embedding
		chance := 1 / float64(m.Recipe(48).Answers())
		if tc.least == 0 {
			if bound := 4 * math.Sqrt(chance*(1-chance)/images); math.Abs(have-chance) > bound {
				t.Errorf("%s, normalised: have %.3f right, want chance, %.3f ± %.3f", tc.method, have, chance, bound)
			}
		} else if have < tc.least {
			t.Errorf("%s, as it is: have %.3f right, want at least %.2f: the detector detects nothing", tc.method, have, tc.least)
		}
	}
}

// pose makes the inputs of a step out of images that no other step has.
func (s *student) pose(recipe schemas.Recipe, n int, step uint64) []any {
	sizes := recipe.Sizes()
	views, answers := make([][]byte, len(sizes)), make([]int32, n)
	for i := range n {
		one := make([][]byte, len(sizes))
		for k, side := range sizes {
			one[k] = make([]byte, 3*side*side)
		}
		key := random.New(step).Fold(uint64(i))
		answers[i] = int32(new(view.Renderer).RenderAll(one, gradientImage(key.Fold(0)), recipe, key.Fold(1)))
		for k := range one {
			views[k] = append(views[k], one[k]...)
		}
	}
	in := []any{
		tensors.FromScalar(float32(s.lr)), tensors.FromScalar(float32(0)),
		tensors.FromFlatDataAndDimensions(make([]int32, n), n), tensors.FromFlatDataAndDimensions(answers, n),
	}
	for k, side := range sizes {
		in = append(in, tensors.FromFlatDataAndDimensions(views[k], n, side, side, 3))
	}
	return in
}

// gradientImage has no texture: red grows from left to right, green from top to
// bottom and blue aslant, each by an amount of its own, as under a lens that
// shifts the colours against each other.
func gradientImage(key random.Key) *view.RGB {
	const side = 64
	img := view.NewRGB(side, side)
	for c := range 3 {
		k := key.Fold(uint64(c))
		base, slope := k.Uniform(0, 60, 120), k.Uniform(1, 0.5, 1)
		across, down := []float64{1, 0.1, 0.6}[c], []float64{0.1, 1, 0.6}[c]
		for i := range side * side {
			x, y := float64(i%side), float64(i/side)
			img.Pix[3*i+c] = uint8(math.Round(base + slope*(across*x+down*y)))
		}
	}
	return img
}
