package evaluator

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/random"
)

func judge(t *testing.T, p Probe, task Task) Verdict {
	t.Helper()
	v, err := p.Judge(context.Background(), task)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestClassifiers checks accuracies that are known beforehand, of every probe
// that needs labels.
func TestClassifiers(t *testing.T) {
	far := [][]float32{{20, 0, 0}, {0, 20, 0}, {0, 0, 20}, {-20, -20, -20}}
	near := [][]float32{{1, 0, 0, 0}, {-1, 0, 0, 0}} // 2 standard deviations apart
	none := [][]float32{{5, 5}, {5, 5}, {5, 5}, {5, 5}, {5, 5}}
	for _, tc := range []struct {
		name      string
		means     [][]float32
		n         int // images of each class
		want, err float64
	}{
		{"separable", far, 50, 1, 0},
		{"same distribution", none, 400, 0.2, 4 * math.Sqrt(0.2*0.8/2000)},
		// The best that can be: Φ(1). The k-NN has no parameters to learn and
		// loses some of it.
		{"two Gaussians", near, 2000, 0.5 * (1 + math.Erf(1/math.Sqrt2)), 0.03},
	} {
		task := Task{
			Classes: names(len(tc.means)),
			Train:   gaussians(random.New(1), tc.n, tc.means),
			Test:    gaussians(random.New(2), tc.n, tc.means),
		}
		for _, p := range classifiers {
			t.Run(tc.name+"/"+p.Name(), func(t *testing.T) {
				v := judge(t, p, task)
				if math.Abs(v.Value-tc.want) > tc.err {
					t.Errorf("have %.4f, want %.4f ± %.4f", v.Value, tc.want, tc.err)
				}
				if v.Train != task.Train.Len() || v.Test != task.Test.Len() || len(v.Constants) == 0 {
					t.Errorf("have %d and %d images, constants %v", v.Train, v.Test, v.Constants)
				}
				if again := judge(t, p, task); !reflect.DeepEqual(again, v) {
					t.Errorf("again: have %+v, want %+v", again, v)
				}
			})
		}
	}
}

// TestLinearReachesBayes: with 4,000 images, logistic regression is within one
// point of what can be known of two Gaussians.
func TestLinearReachesBayes(t *testing.T) {
	means := [][]float32{{1, 0, 0, 0}, {-1, 0, 0, 0}}
	task := Task{Classes: names(2), Train: gaussians(random.New(3), 2000, means), Test: gaussians(random.New(4), 10_000, means)}
	want := 0.5 * (1 + math.Erf(1/math.Sqrt2))
	if have := judge(t, DefaultLinear(), task).Value; math.Abs(have-want) > 0.01 {
		t.Errorf("have %.4f, want %.4f ± 0.01", have, want)
	}
}

// TestLinearScale: units and offsets of the features, and features that never
// change in training, do not matter.
func TestLinearScale(t *testing.T) {
	means := [][]float32{{1, 0}, {0, 1}, {-1, -1}}
	task := Task{Classes: names(3), Train: gaussians(random.New(5), 60, means), Test: gaussians(random.New(6), 60, means)}
	want := judge(t, DefaultLinear(), task)

	stretch := func(f Features, constant float32) Features {
		out := Features{Dim: 4, Labels: f.Labels}
		for i := range f.Len() {
			row := f.Row(i)
			out.X = append(out.X, 1000+64*row[0], constant, row[1]/1024, 0)
		}
		return out
	}
	have := judge(t, DefaultLinear(), Task{Classes: task.Classes, Train: stretch(task.Train, 0.1), Test: stretch(task.Test, 0.7)})
	if have.Value != want.Value || have.Constants["loss"] != want.Constants["loss"] {
		t.Errorf("have %.4f with %v, want %.4f with %v", have.Value, have.Constants, want.Value, want.Constants)
	}
}

// TestLinearWithoutInformation: with features that never change, the best is
// to know how frequent the classes are.
func TestLinearWithoutInformation(t *testing.T) {
	f := Features{Dim: 2, X: make([]float32, 2*100)}
	entropy := 0.0
	for c, n := range []int{50, 30, 20} {
		for range n {
			f.Labels = append(f.Labels, int32(c))
		}
		entropy -= float64(n) / 100 * math.Log(float64(n)/100)
	}
	v := judge(t, DefaultLinear(), Task{Classes: names(3), Train: f, Test: f})
	if v.Value != 0.5 {
		t.Errorf("top-1: have %g, want 0.5", v.Value)
	}
	if have, want := v.Constants["loss"], format(entropy); have != want {
		t.Errorf("loss: have %s, want %s", have, want)
	}
	want := []schemas.ClassValue{{Class: "0", Value: 1, Count: 50}, {Class: "1", Value: 0, Count: 30}, {Class: "2", Value: 0, Count: 20}}
	if !slices.Equal(v.PerClass, want) {
		t.Errorf("per class: have %v, want %v", v.PerClass, want)
	}
}

// TestLinearChoosesWithoutTheTest: the penalty depends on training images
// only.
func TestLinearChoosesWithoutTheTest(t *testing.T) {
	means := [][]float32{{2, 0, 0, 0, 0, 0, 0, 0}, {-2, 0, 0, 0, 0, 0, 0, 0}}
	train, test := gaussians(random.New(7), 100, means), gaussians(random.New(8), 100, means)
	clear := judge(t, DefaultLinear(), Task{Classes: names(2), Train: train, Test: test, Compared: true})
	wrong := test
	wrong.Labels = slices.Clone(test.Labels)
	slices.Reverse(wrong.Labels)
	other := judge(t, DefaultLinear(), Task{Classes: names(2), Train: train, Test: wrong, Compared: true})
	if clear.HeldOut != other.HeldOut || !(clear.HeldOut > 0.85) {
		t.Errorf("held out: have %.3f and %.3f, want the same, above 0.85", clear.HeldOut, other.HeldOut)
	}
	if clear.Constants["l2"] != other.Constants["l2"] || other.Value > 1-clear.Value+1e-9 {
		t.Errorf("wrong test labels: have %v and %v", other, clear)
	}
}

// TestLinearPenalty: labels that are noise can be learnt by heart, which only
// the held-out images tell from knowledge.
func TestLinearPenalty(t *testing.T) {
	const dim = 64
	chosen := func(distance float32) float64 {
		means := [][]float32{make([]float32, dim), make([]float32, dim)}
		means[0][0] = distance
		v := judge(t, DefaultLinear(), Task{Classes: names(2), Train: gaussians(random.New(7), 80, means), Test: gaussians(random.New(8), 80, means)})
		l2, err := strconv.ParseFloat(v.Constants["l2"], 64)
		if err != nil {
			t.Fatal(err)
		}
		return l2
	}
	noise, clear := chosen(0), chosen(12)
	if noise < 0.1 || clear > 0.01 {
		t.Errorf("have l2 %g for noise and %g for classes far apart, want at least 0.1 and at most 0.01", noise, clear)
	}
}

// TestLinearRareClasses: a class with one image, one without training images
// and one without test images.
func TestLinearRareClasses(t *testing.T) {
	train := gaussians(random.New(9), 30, [][]float32{{9, 0}, {-9, 0}})
	train.X = append(train.X, 0, 50)
	train.Labels = append(train.Labels, 2)
	test := gaussians(random.New(10), 10, [][]float32{{9, 0}})
	test.X = append(test.X, 0, 50, 0, -50)
	test.Labels = append(test.Labels, 2, 3)
	v := judge(t, DefaultLinear(), Task{Classes: names(4), Train: train, Test: test})
	want := []schemas.ClassValue{{Class: "0", Value: 1, Count: 10}, {Class: "2", Value: 1, Count: 1}, {Class: "3", Value: 0, Count: 1}}
	if !slices.Equal(v.PerClass, want) {
		t.Errorf("have %v, want %v", v.PerClass, want)
	}
	if v.Constants["converged"] != "true" {
		t.Errorf("have %v, want converged", v.Constants)
	}

	single := Features{Dim: 1, X: []float32{-1, 1}, Labels: []int32{0, 1}}
	if v := judge(t, DefaultLinear(), Task{Classes: names(2), Train: single, Test: single}); v.Value != 1 {
		t.Errorf("one image a class: have %v, want 1", v)
	}
}

func TestHoldOut(t *testing.T) {
	var labels []int32
	counts := []int{50, 7, 2, 1, 0, 10}
	for c, n := range counts {
		for range n {
			labels = append(labels, int32(c))
		}
	}
	times := make([]int, len(labels))
	for fold := range folds {
		order, fitted := holdOut(labels, len(counts), fold)
		held := make([]int, len(counts))
		for _, i := range order[fitted:] {
			held[labels[i]]++
			times[i]++
		}
		if want := []int{10, 1, 0, 0, 0, 2}; fold == 0 && !slices.Equal(held, want) {
			t.Errorf("held out of %v: have %v, want %v", counts, held, want)
		}
		for c, n := range counts {
			if held[c] == n && n > 0 {
				t.Errorf("fold %d, class %d: all of %d are held out, want one that is not", fold, c, n)
			}
		}
		slices.Sort(order)
		for i, k := range order {
			if i != k {
				t.Fatalf("fold %d: have image %d in place %d, want each once", fold, k, i)
			}
		}
		if len(order) != len(labels) {
			t.Errorf("fold %d: have %d images, want %d", fold, len(order), len(labels))
		}
	}
	for i, n := range times {
		if want := min(1, counts[labels[i]]-1); n != want {
			t.Errorf("image %d, of a class of %d: held out %d times, want %d", i, counts[labels[i]], n, want)
		}
	}
}

func names(n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = strconv.Itoa(i)
	}
	return s
}

// BenchmarkLinear has the shapes of eurosat-mini with a small encoder and with
// a ResNet-18.
func BenchmarkLinear(b *testing.B) {
	for _, dim := range []int{128, 512} {
		b.Run(strconv.Itoa(dim), func(b *testing.B) {
			means := make([][]float32, 10)
			for c := range means {
				means[c] = make([]float32, dim)
				for j := range means[c] {
					means[c][j] = float32(random.New(11).Fold(uint64(c)).Normal(uint64(j))) / 8
				}
			}
			task := Task{Classes: names(10), Train: gaussians(random.New(12), 240, means), Test: gaussians(random.New(13), 60, means)}
			for b.Loop() {
				if _, err := DefaultLinear().Judge(context.Background(), task); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestValidate: each image counts once, in the fold that holds it out.
func TestValidate(t *testing.T) {
	f := Features{Dim: 1, X: make([]float32, 14), Labels: []int32{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3}}
	ofClass := func(c int32) float64 {
		have, err := validate(f, 4, func(order []int, fitted int) (right int, err error) {
			for _, i := range order[fitted:] {
				if f.Labels[i] == c {
					right++
				}
			}
			return right, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return have
	}
	for c, want := range []float64{7. / 13, 3. / 13, 3. / 13, 0} { // the image of class 3 is alone
		if have := ofClass(int32(c)); have != want {
			t.Errorf("whoever knows class %d only: have %g, want %g", c, have, want)
		}
	}
	alone := Features{Dim: 1, X: []float32{1, 2}, Labels: []int32{0, 1}}
	if have, err := validate(alone, 2, func([]int, int) (int, error) { return 1, nil }); have != 0 || err != nil {
		t.Errorf("nothing to hold out: have %g, %v, want 0", have, err)
	}
}
