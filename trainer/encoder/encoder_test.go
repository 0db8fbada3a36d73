package encoder

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/random"
	"selfstream/trainer/layer"
)

// goBackend is the backend of all tests.
var goBackend = sync.OnceValue(func() compute.Backend {
	b, _, err := backend.Open("go")
	if err != nil {
		panic(err)
	}
	return b
})

// build builds the graph of two images of that size, with all the
// variables below the root, and does not run it.
func build(t *testing.T, name string, store *model.Store, size int) (out Output) {
	t.Helper()
	enc, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(goBackend(), store, func(s *model.Scope, images *Node) *Node {
		out = enc.Forward(s, images, true)
		return out.Features
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	if _, err := exec.Compile(shapes.Make(dtypes.Uint8, 2, size, size, 3)); err != nil {
		t.Fatal(err)
	}
	return out
}

// pictures are n images of smooth noise.
func pictures(seed uint64, n, size int) *tensors.Tensor {
	key := random.New(seed)
	data := make([]uint8, 0, n*size*size*3)
	for i := range n {
		for y := range size {
			for x := range size {
				for c := range 3 {
					k := key.Fold(uint64(i)).Fold(uint64(c))
					phase := k.Float64(0)*float64(x) + k.Float64(1)*float64(y)
					data = append(data, uint8(128+100*math.Sin(phase)))
				}
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(data, n, size, size, 3)
}

func TestNew(t *testing.T) {
	for _, name := range Names() {
		if e, err := New(name); err != nil || e.Name != name {
			t.Errorf("New(%q): have %q and %v, want %q", name, e.Name, err, name)
		}
	}
	_, err := New("resnet")
	if err == nil || !strings.Contains(err.Error(), `have "resnet", want one of tiny, resnet18, resnet18-small`) {
		t.Errorf("New of an unknown name: have %v, want an error that lists the right ones", err)
	}
}

// TestOutputs: Dim and Stages say what comes out, for sizes that the strides
// divide and others.
func TestOutputs(t *testing.T) {
	for _, e := range encoders {
		for _, size := range []int{32, 45} {
			store := model.NewStore()
			switch name, small := strings.CutSuffix(e.Name, "-small"); { // drawing 24 million values takes seconds
			case resnets[name].depths != nil:
				store = newStore(t, resnetShapes(name, small))
			case alexnets[e.Name] != 0:
				store = newStore(t, alexnetShapes(alexnets[e.Name]))
			default:
				layer.SetSeed(store, 1)
			}
			out := build(t, e.Name, store, size)
			if have := out.Features.Shape().Dimensions; !slices.Equal(have, []int{2, e.Dim}) {
				t.Errorf("%s: have features %v, want %v", e.Name, have, []int{2, e.Dim})
			}
			if len(out.Stages) != len(e.Stages) {
				t.Errorf("%s: have %d stages, want %v", e.Name, len(out.Stages), e.Stages)
			}
			if last := out.Stages[len(out.Stages)-1]; last != out.Features {
				t.Errorf("%s: have a last stage that is not the features", e.Name)
			}
			if top := out.Map.Shape(); top.Rank() != 4 || top.Dim(0) != 2 || top.Dim(3) != e.Dim {
				t.Errorf("%s: have a map %v, want [2, H, W, %d]", e.Name, top, e.Dim)
			}
		}
	}
}

// TestInferenceUsesRunningStatistics: in training, an image's features depend
// on the rest of its batch and the running statistics move; in inference
// neither happens.
func TestInferenceUsesRunningStatistics(t *testing.T) {
	enc, err := New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	layer.SetSeed(store, 1)
	features := func(images *tensors.Tensor, training bool) []float32 {
		exec, err := model.NewExec(goBackend(), store, func(s *model.Scope, images *Node) *Node {
			return enc.Forward(s, images, training).Features
		})
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		out, err := exec.Call1(images)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out)[:enc.Dim] // of the first image
	}
	running := func() []float32 {
		return tensors.MustCopyFlatData[float32](store.GetVariable("bn4.running_mean").MustValue())
	}
	few, many := pictures(1, 2, 32), pictures(1, 6, 32) // they start with the same image

	if slices.Equal(features(few, true), features(many, true)) {
		t.Error("training: have equal features in different batches, want batch statistics")
	}
	before := running()
	if e := relativeError(features(few, false), features(many, false)); e > 1e-5 {
		t.Errorf("inference: have features that differ by %g between batches, want the same", e)
	}
	if !slices.Equal(running(), before) {
		t.Error("inference: have moved running statistics, want none")
	}
	features(few, true)
	if slices.Equal(running(), before) {
		t.Error("training: have the same running statistics, want moved ones")
	}
}

// TestNormalise compares with the formula on every byte.
func TestNormalise(t *testing.T) {
	bytes := make([]uint8, 256*3)
	for i := range bytes {
		bytes[i] = uint8(i / 3)
	}
	have := MustNewExec(goBackend(), normalise).MustCall(tensors.FromFlatDataAndDimensions(bytes, 1, 16, 16, 3))[0]
	for i, v := range tensors.MustCopyFlatData[float32](have) {
		mean, std := [3]float64{0.485, 0.456, 0.406}[i%3], [3]float64{0.229, 0.224, 0.225}[i%3]
		if want := (float64(bytes[i])/255 - mean) / std; math.Abs(float64(v)-want) > 1e-6 {
			t.Fatalf("byte %d of channel %d: have %g, want %g", bytes[i], i%3, v, want)
		}
	}
}
