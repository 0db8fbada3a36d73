package method

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
)

// chosen is choice with the answers i mod n of rows i.
func chosen(in []*Node) (loss, accuracy *Node) {
	rows, n := in[0].Shape().Dim(0), in[0].Shape().Dim(1)
	right := make([]int32, rows)
	for i := range right {
		right[i] = int32(i % n)
	}
	return choice(in[0], Const(in[0].Graph(), right), ReduceAllMean)
}

// TestChoiceByLoops compares with −ln softmax as loops in float64, and the
// gradient with its closed form, (softmax − onehot) / rows.
func TestChoiceByLoops(t *testing.T) {
	for _, shape := range [][2]int{{1, 2}, {8, 8}, {33, 64}, {16, 1000}} {
		logits := normal(1, shape[0], shape[1])
		have, grads := gradients(t, func(in []*Node) *Node { loss, _ := chosen(in); return loss }, logits)
		var loss float64
		for i, row := range logits {
			var sum float64
			for _, x := range row {
				sum += math.Exp(float64(x))
			}
			loss += (math.Log(sum) - float64(row[i%shape[1]])) / float64(shape[0])
			for j, x := range row {
				want := math.Exp(float64(x)) / sum
				if j == i%shape[1] {
					want--
				}
				if err := near(float64(grads[0][i*shape[1]+j]), want/float64(shape[0]), 1e-6); err != nil {
					t.Fatalf("%v: gradient of logit %d, %d: %v", shape, i, j, err)
				}
			}
		}
		if err := near(have, loss, 1e-5); err != nil {
			t.Errorf("%v: %v", shape, err)
		}
	}
}

// TestChoiceByHand has rows whose answers are 0, 1, 0, …
func TestChoiceByHand(t *testing.T) {
	for _, tc := range []struct {
		name           string
		logits         [][]float32
		loss, accuracy float64
	}{
		{"no idea of two", [][]float32{{0, 0}, {7, 7}}, math.Log(2), 0},
		{"no idea of eight", [][]float32{make([]float32, 8)}, math.Log(8), 0},
		{"all right", [][]float32{{9, -9}, {-9, 9}}, math.Log1p(math.Exp(-18)), 1},
		{"one of four wrong", [][]float32{{1, 0}, {0, 1}, {0, 1}, {0, 1}}, math.Log1p(math.Exp(-1)) + 0.25, 0.75},
		{"sure, and wrong, without overflow", [][]float32{{-1e4, 1e4}}, 2e4, 0},
		{"sure, and right, without overflow", [][]float32{{1e4, -1e4}}, 0, 1},
	} {
		out := run(t, func(in []*Node) []*Node { loss, accuracy := chosen(in); return []*Node{loss, accuracy} }, tc.logits)
		if err := near(float64(tensors.ToScalar[float32](out[0])), tc.loss, 1e-6); err != nil {
			t.Errorf("%s: loss: %v", tc.name, err)
		}
		if have := tensors.ToScalar[float32](out[1]); float64(have) != tc.accuracy {
			t.Errorf("%s: accuracy: have %g, want %g", tc.name, have, tc.accuracy)
		}
	}
}

// TestStandardizePatches compares with loops in float64: brightness and
// contrast are gone, and what the patch shows is left.
func TestStandardizePatches(t *testing.T) {
	const n, side = 3, 5
	standardize := func(pixels []uint8) []float32 {
		out, err := CallOnce(goBackend(t), standardizePatches, tensors.FromFlatDataAndDimensions(pixels, n, side, side, 3))
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out)
	}
	pixels, other := make([]uint8, n*side*side*3), make([]uint8, n*side*side*3)
	for i := range pixels {
		patch := i / (side * side * 3)
		pixels[i] = uint8(random.New(3).IntN(uint64(i), 100))
		other[i] = 2*pixels[i] + uint8(10*patch) + []uint8{7, 0, 30}[i%3]
	}
	for i := range side * side * 3 {
		pixels[i], other[i] = 200, 90 // the first patch is of one colour
	}
	have := standardize(pixels)
	for patch := range n {
		one, values := pixels[patch*side*side*3:][:side*side*3], have[patch*side*side*3:][:side*side*3]
		var means [3]float64
		var variance float64
		for i, v := range one {
			means[i%3] += float64(v) / (side * side)
		}
		for i, v := range one {
			variance += math.Pow(float64(v)-means[i%3], 2) / (side * side * 3)
		}
		for i, v := range one {
			want := (float64(v) - means[i%3]) / math.Sqrt(variance+0.25)
			if err := near(float64(values[i]), want, 1e-5); err != nil {
				t.Fatalf("patch %d, value %d: %v", patch, i, err)
			}
		}
	}
	for i, v := range standardize(other) {
		if err := near(float64(v), float64(have[i]), 1e-3); err != nil {
			t.Fatalf("with twice the contrast and more light: value %d: %v", i, err)
		}
	}
}

// puzzled are the methods that ask something, with their places and the layer
// of the answers.
var puzzled = map[string]struct {
	places, answers int
	last            string
}{
	"context": {2, 8, "fc9"},
	"jigsaw":  {9, 8, "fc8"},
}

// fixed is a student whose weights stay as they are.
func fixed(t *testing.T, name string) *student {
	t.Helper()
	s := newStudent(t, goBackend(t), newSmall(t, name))
	s.lr = 0
	s.compile(t)
	return s
}

// change replaces the values of a variable of the head.
func (s *student) change(t *testing.T, name string, f func(values []float32)) {
	t.Helper()
	v := s.store.GetVariable("/head/classifier/" + name)
	values := flat(v)
	f(values)
	if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
		t.Fatal(err)
	}
}

// lossOf is the loss of these inputs.
func (s *student) lossOf(t *testing.T, in []any) float64 {
	t.Helper()
	out, err := s.exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	return float64(tensors.ToScalar[float32](out[0]))
}

// TestZeroHead: a head that says nothing has the loss of blind guessing.
func TestZeroHead(t *testing.T) {
	for name, p := range puzzled {
		s := fixed(t, name)
		for _, parameter := range []string{".weight", ".bias"} {
			s.change(t, p.last+parameter, func(values []float32) { clear(values) })
		}
		want := math.Log(float64(p.answers))
		if err := near(s.lossOf(t, s.inputs(0)), want, 1e-6); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.chance != want {
			t.Errorf("%s: have chance %g, want %g", name, s.chance, want)
		}
	}
}

// TestTowersShareWeights: a patch has the same code in every tower, so that
// patches and the columns of fc7 that look at them can be shuffled together.
func TestTowersShareWeights(t *testing.T) {
	for name, p := range puzzled {
		s := fixed(t, name)
		in := s.inputs(0)
		want := s.lossOf(t, in)
		order := random.New(5).Perm(p.places)
		shuffled := slices.Clone(in)
		for place, from := range order {
			shuffled[4+place] = in[4+from]
		}
		if other := s.lossOf(t, shuffled); math.Abs(other-want) < 1e-3 {
			t.Errorf("%s: have a loss of %.6f with the patches in other places and of %.6f before, want places to matter", name, other, want)
		}
		s.shuffle(t, name, order)
		if err := near(s.lossOf(t, shuffled), want, 1e-4); err != nil {
			t.Errorf("%s: patches and columns of fc7 shuffled: %v", name, err)
		}
	}
}

// shuffle shuffles what fc7 knows of the places.
func (s *student) shuffle(t *testing.T, name string, order []int) {
	t.Helper()
	const fc6, fc7 = 16, 32
	if name == "context" { // one layer for the first patch, one for the second: [fc7, fc6]
		if order[0] == 0 {
			t.Fatal("have the two patches in their places, want them exchanged")
		}
		var first, second []float32
		s.change(t, "fc7.first.weight", func(values []float32) { first = slices.Clone(values) })
		s.change(t, "fc7.second.weight", func(values []float32) {
			second = slices.Clone(values)
			copy(values, first)
		})
		s.change(t, "fc7.first.weight", func(values []float32) { copy(values, second) })
		return
	}
	s.change(t, "fc7.weight", func(values []float32) { // [fc7, Tiles·fc6]
		old := slices.Clone(values)
		for row := range fc7 {
			for place, from := range order {
				copy(values[(row*len(order)+place)*fc6:][:fc6], old[(row*len(order)+from)*fc6:])
			}
		}
	})
}

// TestOrderOfImages: which image of a batch comes first does not matter.
func TestOrderOfImages(t *testing.T) {
	for name := range puzzled {
		s := fixed(t, name)
		in := s.inputs(0)
		want := s.lossOf(t, in)
		turned := slices.Clone(in[:2])
		for _, x := range in[2:] {
			turned = append(turned, turn(x.(*tensors.Tensor)))
		}
		if err := near(s.lossOf(t, turned), want, 1e-4); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// turn reverses the first axis.
func turn(x *tensors.Tensor) *tensors.Tensor {
	dims := x.Shape().Dimensions
	reversed := func(chunk int, n int, swap func(i, j int)) {
		for i := range n / 2 {
			for k := range chunk {
				swap(i*chunk+k, (n-1-i)*chunk+k)
			}
		}
	}
	if len(dims) == 1 {
		values := tensors.MustCopyFlatData[int32](x)
		reversed(1, dims[0], func(i, j int) { values[i], values[j] = values[j], values[i] })
		return tensors.FromFlatDataAndDimensions(values, dims...)
	}
	values := tensors.MustCopyFlatData[uint8](x)
	reversed(len(values)/dims[0], dims[0], func(i, j int) { values[i], values[j] = values[j], values[i] })
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

// TestGradient compares the gradient of the whole loss, along a random direction
// in the weights of fc6, with the difference that a small step makes. It
// computes in float64: in float32, steps that are large enough to be seen switch
// ReLUs.
func TestGradient(t *testing.T) {
	const step = 1e-5
	tiny, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	for name := range puzzled {
		b, m := goBackend(t), newSmall(t, name)
		s := newStudent(t, b, m)
		s.compile(t)
		weight := s.store.GetVariable("/head/classifier/fc6.weight")
		direction := make([]float32, weight.Shape().Size())
		for i := range direction {
			direction[i] = float32(random.New(6).Normal(uint64(i)))
		}
		exec := model.MustNewExec(b, s.store, func(scope *model.Scope, in []*Node) []*Node {
			var views []*Node
			for _, v := range in[4:] {
				views = append(views, AddScalar(DivScalar(ConvertDType(v, dtypes.Float64), 60), -2))
			}
			loss := m.Loss(Net{Encoder: tiny, Scope: scope, Training: true}, Batch{Progress: in[1], Answers: in[3], Views: views}).Loss
			at := weight.NodeValue(loss)
			along := Reshape(Const(loss.Graph(), direction), at.Shape().Dimensions...)
			return []*Node{loss, ReduceAllSum(Mul(Gradient(loss, at)[0], along))}
		})
		look := func() (loss, slope float64) {
			out, err := exec.Call(s.inputs(0)...)
			if err != nil {
				t.Fatal(err)
			}
			return tensors.ToScalar[float64](out[0]), float64(tensors.ToScalar[float32](out[1]))
		}
		walk := func(distance float32) {
			s.change(t, "fc6.weight", func(values []float32) {
				for i := range values {
					values[i] += distance * direction[i]
				}
			})
		}
		_, have := look()
		walk(step)
		ahead, _ := look()
		walk(-2 * step)
		behind, _ := look()
		if err := near(have/((ahead-behind)/(2*step)), 1, 0.01); err != nil {
			t.Errorf("%s: slope of the loss by that of the difference: %v", name, err)
		}
	}
}

// TestGridFillsImage: nothing is resized of a whole image that has the size.
func TestGridFillsImage(t *testing.T) {
	all := map[string]Method{"context": nil, "jigsaw": nil}
	for name := range all {
		m, err := New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = m
	}
	recipe := func(name string, size int) schemas.Recipe {
		r := all[name].Recipe(size)
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for size := 10; size <= 400; size++ {
		if p := *recipe("context", size).Pair; p.Side() != size || !p.Grid || p.Margin < 1 || p.Margin > 5 {
			t.Errorf("at %d: have %+v with a side of %d, want nine patches with small margins on all of it", size, p, p.Side())
		}
		if j := *recipe("jigsaw", size).Jigsaw; j.Side() != size || j.Margin > 2 {
			t.Errorf("at %d: have cells of %d and margins of %d, want small margins, and all of it covered", size, j.Cell, j.Margin)
		}
	}
}

// TestPretextRecipes pins what is asked of the augmenters: the papers' sizes
// where there is room for them, and the same in small.
func TestPretextRecipes(t *testing.T) {
	for _, tc := range []struct {
		size, patch, gap, jitter, least int
		cell, tile                      int
	}{
		{398, 96, 48, 7, 10, 132, 100},
		{255, 61, 31, 4, 6, 85, 64},
		{64, 15, 8, 1, 2, 20, 16},
		{32, 7, 4, 1, 1, 10, 8},
		{16, 4, 2, 0, 1, 4, 3},
	} {
		for name := range maps.Keys(puzzled) {
			r := newSmall(t, name).Recipe(tc.size)
			if err := r.Validate(); err != nil {
				t.Errorf("%s at %d: %v", name, tc.size, err)
			}
			if p := r.Pair; p != nil && (p.Size != tc.patch || p.Gap != tc.gap || p.Jitter != tc.jitter || p.Resample.MinSize != tc.least || p.Side() > tc.size) {
				t.Errorf("at %d: have %+v, want patches of %d, gaps of %d, a jitter of %d", tc.size, *p, tc.patch, tc.gap, tc.jitter)
			}
			if j := r.Jigsaw; j != nil && (j.Size != tc.tile || j.Cell != tc.cell) {
				t.Errorf("at %d: have tiles of %d in cells of %d, want %d in %d", tc.size, j.Size, j.Cell, tc.tile, tc.cell)
			}
		}
	}
}
