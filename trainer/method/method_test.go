package method

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/stages/backend"
	"selfstream/stages/oracletest"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
	"selfstream/trainer/optim"
)

// run builds and runs a graph on matrices.
func run(t testing.TB, f func(in []*Node) []*Node, in ...[][]float32) []*tensors.Tensor {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	args := make([]any, len(in))
	for i, x := range in {
		args[i] = x
	}
	out, err := CallOnceN(b, f, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// gradients are the value of a loss and its gradients, flat.
func gradients(t testing.TB, loss func(in []*Node) *Node, in ...[][]float32) (float64, [][]float32) {
	t.Helper()
	out := run(t, func(in []*Node) []*Node {
		l := loss(in)
		return append([]*Node{l}, Gradient(l, in...)...)
	}, in...)
	var flat [][]float32
	for _, g := range out[1:] {
		flat = append(flat, tensors.MustCopyFlatData[float32](g))
	}
	return float64(tensors.ToScalar[float32](out[0])), flat
}

// compare holds a loss and its gradients against an oracle's. The inputs and
// grad_<input> are tensors of the case, and so is the loss.
func compare(t *testing.T, c oracletest.Case, loss func(in []*Node) *Node, inputs ...string) {
	t.Helper()
	var in [][][]float32
	for _, name := range inputs {
		x, shape := c.Values(name)
		in = append(in, slices.Collect(slices.Chunk(x, shape[1])))
	}
	have, grads := gradients(t, loss, in...)
	want, _ := c.Values("loss")
	if d := math.Abs(have/float64(want[0]) - 1); !(d <= 1e-5) {
		t.Errorf("loss: have %.7g, want %.7g", have, want[0])
	}
	for i, name := range inputs {
		want := make([]float32, len(grads[i])) // of an input behind a stopped gradient
		if c.Has("grad_" + name) {
			want, _ = c.Values("grad_" + name)
		}
		if d := oracletest.Distance(grads[i], want); !(d <= 1e-4) {
			t.Errorf("gradient for %s: relative error %.2g, want at most 1e-4", name, d)
		}
	}
}

// normal is a matrix of independent standard normal numbers.
func normal(seed uint64, n, d int) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, d)
		for j := range x[i] {
			x[i][j] = float32(random.New(seed).Normal(uint64(i*d + j)))
		}
	}
	return x
}

// golden are the two views whose losses reference programs agree on: sines and
// cosines that any language can make.
func golden() (a, b [][]float32) {
	for i := range 4 {
		var ra, rb []float32
		for j := range 3 {
			ra = append(ra, float32(math.Sin(float64(1+3*i+j))))
			rb = append(rb, float32(math.Cos(0.5+2*float64(i)+0.7*float64(j))))
		}
		a, b = append(a, ra), append(b, rb)
	}
	return a, b
}

func near(have, want, tolerance float64) error {
	if d := math.Abs(have - want); !(d <= tolerance*max(1, math.Abs(want))) {
		return fmt.Errorf("have %.8g, want %.8g", have, want)
	}
	return nil
}

// finite reports the first gradient that is not a number.
func finite(grads [][]float32) error {
	for i, g := range grads {
		for _, x := range g {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("gradient %d: have %v, want numbers", i, g)
			}
		}
	}
	return nil
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{"sinclr", nil, `choosing a method: have "sinclr", want one of barlow, byol, context, jigsaw, kcl, simclr, supcon, supervised`},
		{"simclr", map[string]string{"temprature": "1"}, `unknown setting "temprature" of method simclr: have blur, crop, dim, hidden, jitter, recipe, temperature, without`},
		{"simclr", map[string]string{"temperature": "warm"}, `setting temperature of method simclr to "warm": parse error`},
		{"simclr", map[string]string{"temperature": "0"}, `configuring method simclr: temperature: have 0, want above 0`},
		{"simclr", map[string]string{"temperature": "NaN"}, `configuring method simclr: temperature: have NaN, want above 0`},
		{"simclr", map[string]string{"dim": "0"}, `configuring method simclr: dim: have 0, want at least 1`},
		{"simclr", map[string]string{"hidden": "-1"}, `configuring method simclr: hidden: have -1, want at least 0`},
		{"simclr", map[string]string{"jitter": "-1"}, `configuring method simclr: jitter: have -1, want 0 to 2`},
		{"simclr", map[string]string{"without": "views"}, `setting without of method simclr to "views": want nothing or negatives`},
		{"simclr", map[string]string{"blur": "2"}, `configuring method simclr: blur: have 2, want 0 to 1`},
		{"barlow", map[string]string{"lambda": "-1"}, `configuring method barlow: lambda: have -1, want at least 0`},
		{"barlow", map[string]string{"hidden": "0"}, `configuring method barlow: hidden: have 0, want at least 1`},
		{"barlow", map[string]string{"dim": "0"}, `configuring method barlow: dim: have 0, want at least 1`},
		{"byol", map[string]string{"momentum": "1.1"}, `configuring method byol: momentum: have 1.1, want 0 to 1`},
		{"byol", map[string]string{"hidden": "0"}, `configuring method byol: hidden: have 0, want at least 1`},
		{"byol", map[string]string{"dim": "0"}, `configuring method byol: dim: have 0, want at least 1`},
		{"byol", map[string]string{"crop": "1.1"}, `configuring method byol: crop: have 1.1, want above 0 and at most 1`},
		{"byol", map[string]string{"jitter": "5"}, `configuring method byol: jitter: have 5, want 0 to 4`},
		{"barlow", map[string]string{"solarize": "-0.1"}, `configuring method barlow: solarize: have -0.1, want 0 to 1`},
		{"byol", map[string]string{"recipe": "large"}, `setting recipe of method byol to "large": want one of small, paper`},
		{"context", map[string]string{"patch": "-1"}, `configuring method context: patch: have -1, want at least 1, or 0 to have it chosen`},
		{"context", map[string]string{"gap": "-2"}, `configuring method context: gap: have -2, want at least 0, or -1 to have it chosen`},
		{"context", map[string]string{"jitter": "-2"}, `configuring method context: jitter: have -2, want at least 0, or -1 to have it chosen`},
		{"context", map[string]string{"drop": "1.5"}, `configuring method context: drop: have probability 1.5, want 0 to 1`},
		{"context", map[string]string{"resample": "NaN"}, `configuring method context: resample: have probability NaN, want 0 to 1`},
		{"context", map[string]string{"fc7": "0"}, `configuring method context: fc6 and fc7: have widths 256 and 0, want at least 1`},
		{"context", map[string]string{"crop": "0"}, `configuring method context: crop: have 0, want above 0 and at most 1`},
		{"jigsaw", map[string]string{"permutations": "1"}, `configuring method jigsaw: permutations: have 1, want 2 to 10000`},
		{"jigsaw", map[string]string{"permutations-by": "max"}, `configuring method jigsaw: permutations-by: have "max", want max_min or max_avg`},
		{"jigsaw", map[string]string{"puzzles": "65"}, `configuring method jigsaw: puzzles: have 65, want 1 to 64, the number of permutations`},
		{"jigsaw", map[string]string{"tile": "-1"}, `configuring method jigsaw: tile: have -1, want at least 1, or 0 to have it chosen`},
		{"jigsaw", map[string]string{"shift": "-1"}, `configuring method jigsaw: shift: have -1, want at least 0`},
		{"jigsaw", map[string]string{"gray": "-0.5"}, `configuring method jigsaw: gray: have probability -0.5, want 0 to 1`},
		{"jigsaw", map[string]string{"fc6": "0"}, `configuring method jigsaw: fc6 and fc7: have widths 0 and 256, want at least 1`},
		{"jigsaw", map[string]string{"crop": "2"}, `configuring method jigsaw: crop: have 2, want above 0 and at most 1`},
		{"kcl", map[string]string{"positives": "-1"}, `configuring method kcl: positives: have -1, want at least 0`},
		{"supcon", map[string]string{"temperature": "0"}, `configuring method supcon: temperature: have 0, want above 0`},
		{"supervised", map[string]string{"crop": "0"}, `configuring method supervised: crop: have 0, want above 0 and at most 1`},
		{"simclr", map[string]string{"crop": "0"}, `configuring method simclr: crop: have 0, want above 0 and at most 1`},
	} {
		t.Run(tc.want, func(t *testing.T) {
			if _, err := New(tc.name, tc.settings); err == nil || err.Error() != tc.want {
				t.Errorf("have %v, want %s", err, tc.want)
			}
		})
	}
}

// TestNames: the name that a method is chosen by is its own, its defaults are
// valid, and every setting has help.
func TestNames(t *testing.T) {
	for _, name := range Names() {
		m, err := New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name() != name {
			t.Errorf("have %s, want %s", m.Name(), name)
		}
		for _, size := range []int{32, 96, 224} {
			if err := m.Recipe(size).Validate(); err != nil {
				t.Errorf("recipe of %s for %d pixels: %v", name, size, err)
			}
		}
		for _, recipe := range Recipes() {
			m, err := New(name, map[string]string{RecipeSetting: recipe})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := encoder.New(m.Training().Encoder); err != nil {
				t.Errorf("%s, recipe %s: %v", name, recipe, err)
			}
			if _, err := optim.New(m.Training().Optimizer, m.Training().WeightDecay); err != nil {
				t.Errorf("%s, recipe %s: %v", name, recipe, err)
			}
		}
		settings, err := Flags(name)
		if err != nil {
			t.Fatal(err)
		}
		settings.VisitAll(func(f *flag.Flag) {
			if f.Usage == "" {
				t.Errorf("setting %s of %s has no help", f.Name, name)
			}
		})
	}
}

// TestPublished pins what recipe=paper means: the settings and the training of
// the papers' main experiments on ImageNet.
func TestPublished(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings map[string]string
		training Training
	}{
		{"barlow", map[string]string{"hidden": "8192", "dim": "8192", "lambda": "0.005", "crop": "0.08", "jitter": "1", "solarize": "0.2"},
			Training{Epochs: 1000, Batch: 2048, LearningRate: 0.2, WeightDecay: 1.5e-6, Warmup: 0.01}},
		{"byol", map[string]string{"hidden": "4096", "dim": "256", "momentum": "0.996", "normalize": "false", "crop": "0.08", "jitter": "1", "solarize": "0.2", "without": "nothing"},
			Training{Epochs: 1000, Batch: 4096, LearningRate: 0.2, WeightDecay: 1.5e-6, Warmup: 0.01}},
		{"context", map[string]string{
			"grid": "false", "patch": "0", "gap": "-1", "jitter": "-1", "crop": "0.35", "flip": "0", "drop": "1", "project": "0", "gray": "0",
			"resample": "0.33", "normalize": "true", "fc6": "4096", "fc7": "4096",
		}, Training{
			Encoder: "alexnet", ImageSize: 398, Epochs: 400, Batch: 512, Optimizer: "sgd", LearningRate: 1e-6, BaseBatch: 1,
		}},
		{"jigsaw", map[string]string{
			"permutations": "1000", "permutations-by": "max_avg", "permutations-seed": "0", "puzzles": "1", "tile": "0", "crop": "1", "flip": "0",
			"shift": "2", "project": "0", "gray": "0.3", "normalize": "true", "fc6": "1024", "fc7": "4096",
		}, Training{
			Encoder: "alexnet-cfn", ImageSize: 255, Epochs: 70, Batch: 256, Optimizer: "sgd", LearningRate: 0.01, WeightDecay: 5e-4,
		}},
		{"kcl", map[string]string{"temperature": "0.07", "hidden": "0", "dim": "128", "positives": "6", "crop": "0.08", "jitter": "1", "blur": "0.5"},
			Training{Encoder: "resnet50", ImageSize: 224, Epochs: 200, Batch: 256, Optimizer: "sgd", LearningRate: 0.1, BaseBatch: 256, WeightDecay: 5e-4, Labels: true}},
		{"supcon", map[string]string{"temperature": "0.1", "hidden": "0", "dim": "128", "crop": "0.08", "jitter": "1", "blur": "0.5"},
			Training{Encoder: "resnet50", ImageSize: 32, Epochs: 1000, Batch: 1024, Optimizer: "sgd", LearningRate: 0.5, BaseBatch: 1024, WeightDecay: 1e-4, Warmup: 0.01, Labels: true}},
		{"supervised", map[string]string{"crop": "0.08", "jitter": "1", "blur": "0.5"},
			Training{Encoder: "resnet50", ImageSize: 224, Epochs: 90, Batch: 256, Optimizer: "sgd", LearningRate: 0.1, BaseBatch: 256, WeightDecay: 1e-4, Warmup: 5. / 90, Labels: true}},
		{"simclr", map[string]string{"temperature": "0.1", "hidden": "0", "dim": "128", "crop": "0.08", "jitter": "1", "blur": "0.5", "without": "nothing"},
			Training{Epochs: 100, Batch: 4096, LearningRate: 0.3, WeightDecay: 1e-6, Warmup: 0.1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := map[string]string{RecipeSetting: "paper"}
			have, err := Complete(tc.name, asked)
			if err != nil {
				t.Fatal(err)
			}
			tc.settings[RecipeSetting] = "paper"
			if !maps.Equal(have, tc.settings) {
				t.Errorf("settings: have %v, want %v", have, tc.settings)
			}
			m, err := New(tc.name, asked)
			if err != nil {
				t.Fatal(err)
			}
			want := tc.training
			if want.Encoder == "" {
				want.Encoder, want.ImageSize, want.Optimizer, want.BaseBatch = "resnet50", 224, "lars", 256
			}
			want.WholeBatch = m.Training().WholeBatch
			if have := m.Training(); have != want {
				t.Errorf("training: have %+v, want %+v", have, want)
			}
			if have, err := Complete(tc.name, map[string]string{RecipeSetting: "paper", "crop": "0.5"}); err != nil || have["crop"] != "0.5" {
				t.Errorf("crop: have %v, %v, want 0.5: a setting of its own goes before the recipe's", have["crop"], err)
			}
		})
	}
}
