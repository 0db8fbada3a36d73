package trainer

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/random"
	"selfstream/trainer/feed"
	"selfstream/trainer/method"
)

// drawnBatch is random images as the recipe has them.
func drawnBatch(recipe schemas.Recipe, size, classes int) *feed.Batch {
	b := &feed.Batch{IDs: make([]int64, size)}
	for i := range size {
		b.Labels = append(b.Labels, int32(i%classes))
		if n := recipe.Answers(); n > 0 {
			b.Answers = append(b.Answers, int32(i%n))
		}
	}
	for i, side := range recipe.Sizes() {
		pixels := make([]byte, size*side*side*3)
		for k := range pixels {
			pixels[k] = byte(random.New(uint64(i)).Uniform(uint64(k), 0, 256))
		}
		b.Views = append(b.Views, feed.View{Side: side, Pieces: [][]byte{pixels}})
	}
	return b
}

// TestBFloat16IsNear: every method has about the losses of float32 with bfloat16,
// though not the same, and float32 variables with both. Images of noise look alike
// to a network, so that rounding makes more of a difference than for photos.
func TestBFloat16IsNear(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every method twice")
	}
	const size, classes, steps, tolerance = 16, 3, 3, 0.1
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range method.Names() {
		m, err := method.New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		batch := drawnBatch(m.Recipe(32), size, classes)
		losses := map[string][]float64{}
		for _, precision := range []string{"", schemas.BFloat16} {
			r, err := Rehearse(b, schemas.Config{
				Method: name, Encoder: "tiny", ImageSize: 32, Batch: size, Optimizer: "adamw", LearningRate: 1e-4, Precision: precision,
			}, classes, steps)
			if err != nil {
				t.Fatal(err)
			}
			for range steps {
				loss, err := r.Step(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				losses[precision] = append(losses[precision], loss)
			}
			for v := range r.learner.store.IterVariables() {
				if d := v.DType(); d != dtypes.Float32 && d != dtypes.Int64 {
					t.Errorf("%s: have %s of type %s, want float32", name, v.Path(), d)
				}
			}
			r.Close()
		}
		differ := false
		for i, want := range losses[""] {
			have := losses[schemas.BFloat16][i]
			differ = differ || have != want
			if off := math.Abs(have/want - 1); !(off <= tolerance) {
				t.Errorf("%s, step %d: have loss %g, want %g within %g of it, not %.2g", name, i, have, want, tolerance, off)
			}
		}
		if !differ {
			t.Errorf("%s: have the very losses of float32, %v", name, losses)
		}
	}
}
