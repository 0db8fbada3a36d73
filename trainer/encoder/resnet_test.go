package encoder

import (
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	graphshapes "github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas/safetensors"
	"selfstream/trainer/layer"
)

// resnets are the depths of the stages that the paper's table 1 gives.
var resnets = map[string]struct {
	depths     []int
	bottleneck bool
}{
	"resnet18": {[]int{2, 2, 2, 2}, false},
	"resnet34": {[]int{3, 4, 6, 3}, false},
	"resnet50": {[]int{3, 4, 6, 3}, true},
}

// resnetShapes is the state dict of torchvision's ResNet of that name, less fc
// and num_batches_tracked; the small stem has a smaller kernel.
func resnetShapes(name string, small bool) map[string][]int {
	shapes := map[string][]int{}
	conv := func(name string, out, in, kernel int) { shapes[name+".weight"] = []int{out, in, kernel, kernel} }
	norm := func(name string, channels int) {
		for _, field := range []string{"weight", "bias", "running_mean", "running_var"} {
			shapes[name+"."+field] = []int{channels}
		}
	}
	conv("conv1", 64, 3, 7)
	if small {
		conv("conv1", 64, 3, 3)
	}
	norm("bn1", 64)
	in := 64
	for stage, depth := range resnets[name].depths {
		width := 64 << stage
		for i := range depth {
			block := fmt.Sprintf("layer%d.%d", stage+1, i)
			out := width
			if resnets[name].bottleneck {
				out = 4 * width
				conv(block+".conv1", width, in, 1)
				conv(block+".conv2", width, width, 3)
				conv(block+".conv3", out, width, 1)
				norm(block+".bn3", out)
			} else {
				conv(block+".conv1", width, in, 3)
				conv(block+".conv2", width, width, 3)
			}
			norm(block+".bn1", width)
			norm(block+".bn2", width)
			if i == 0 && in != out {
				conv(block+".downsample.0", out, in, 1)
				norm(block+".downsample.1", out)
			}
			in = out
		}
	}
	return shapes
}

// newStore has variables of these shapes, zero.
func newStore(t *testing.T, shapes map[string][]int) *model.Store {
	t.Helper()
	store := model.NewStore()
	for name, dims := range shapes {
		x := tensors.FromShape(graphshapes.Make(dtypes.Float32, dims...))
		if _, err := store.CreateVariable(name, x); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// setFormula gives the variables the values that the oracles' metadata
// describes.
func setFormula(store *model.Store) {
	for v := range store.IterVariables() {
		seed := uint64(crc32.ChecksumIEEE([]byte(v.Name()))) << 32
		shift, scale := 0.0, math.Sqrt(6*float64(v.Shape().Dim(0))/float64(v.Shape().Size()))
		switch {
		case strings.HasSuffix(v.Name(), "running_var"):
			shift, scale = 1, 0.5
		case strings.HasSuffix(v.Name(), "running_mean"), strings.HasSuffix(v.Name(), "bias"):
			scale = 0.1
		case v.Shape().Rank() == 1:
			shift, scale = 1, 0.2
		}
		tensors.MustMutableFlatData(v.MustValue(), func(flat []float32) {
			for i := range flat {
				s := 2*float64(splitmix64(seed+uint64(i))>>11)/(1<<53) - 1
				flat[i] = float32(shift + scale*s)
			}
		})
	}
}

func splitmix64(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// TestResNetOracle compares with torchvision's outputs. A file is named after
// its network: resnet18_64.safetensors.
func TestResNetOracle(t *testing.T) {
	dir := os.Getenv("SELFSTREAM_ORACLES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "oracles")
	}
	files, err := filepath.Glob(filepath.Join(dir, "resnet*_*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no resnet*_*.safetensors in %s; set SELFSTREAM_ORACLES to the folder of the oracles", dir)
	}
	for _, path := range files {
		name, _, _ := strings.Cut(filepath.Base(path), "_")
		t.Run(filepath.Base(path), func(t *testing.T) {
			if testing.Short() && name != "resnet18" {
				t.Skip("the larger networks take seconds")
			}
			compareWithOracle(t, name, path)
		})
	}
}

func compareWithOracle(t *testing.T, name, path string) {
	buf, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	oracle, err := safetensors.Parse(buf)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) *tensors.Tensor {
		x, ok := oracle.Tensor(name)
		if !ok {
			t.Fatalf("tensor %s of %s: have none", name, path)
		}
		values, err := safetensors.Float32s(x)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.FromFlatDataAndDimensions(slices.Clone(values), x.Shape...)
	}
	logits := read("logits")
	classes := logits.Shape().Dim(1)
	shapes := resnetShapes(name, false)
	shapes["fc.weight"], shapes["fc.bias"] = []int{classes, enc.Dim}, []int{classes}

	// The oracles' images are normalised already.
	store := newStore(t, shapes)
	setFormula(store)
	exec, err := model.NewExec(goBackend(), store, func(s *model.Scope, in []*Node) []*Node {
		var out []*Node
		for _, m := range enc.forward(s, layer.Cut(TransposeAllAxes(in[0], 0, 2, 3, 1)), false) {
			out = append(out, m.Average())
		}
		features := out[len(out)-1]
		return append(out, features, layer.Linear(s, "fc", features, classes, true))
	})
	if err != nil {
		t.Fatal(err)
	}
	have, err := exec.Call(read("x"))
	if err != nil {
		t.Fatal(err)
	}
	for i, output := range []string{
		"layer1_mean_per_channel", "layer2_mean_per_channel", "layer3_mean_per_channel", "layer4_mean_per_channel",
		"avgpool", "logits",
	} {
		want := tensors.MustCopyFlatData[float32](read(output))
		if have := relativeError(tensors.MustCopyFlatData[float32](have[i]), want); have > 1e-4 {
			t.Errorf("relative error of %s: have %.2g, want at most 1e-4", output, have)
		}
	}
}

// relativeError is ‖have − want‖ / ‖want‖ in the largest norm.
func relativeError(have, want []float32) float64 {
	var difference, size float64
	for i, w := range want {
		difference = max(difference, math.Abs(float64(have[i])-float64(w)))
		size = max(size, math.Abs(float64(w)))
	}
	if len(have) != len(want) || math.IsNaN(difference) {
		return math.NaN()
	}
	return difference / size
}

// TestResNetShapes holds names and shapes of all variables against the rule
// that torchvision's follow.
func TestResNetShapes(t *testing.T) {
	for name := range resnets {
		for _, small := range []bool{false, true} {
			want, encoder := resnetShapes(name, small), name
			if small {
				encoder += "-small"
			}
			t.Run(encoder, func(t *testing.T) {
				store := newStore(t, want)
				build(t, encoder, store, 32)
				have := map[string][]int{}
				for v := range store.IterVariables() {
					have[strings.TrimPrefix(v.Path(), "/")] = v.Shape().Dimensions
					if running := strings.Contains(v.Name(), ".running_"); v.Trainable == running {
						t.Errorf("%s is trained: have %t, want %t", v.Path(), v.Trainable, !running)
					}
				}
				if !maps.EqualFunc(have, want, slices.Equal) {
					t.Errorf("have variables %v, want %v", have, want)
				}
			})
		}
	}
}
