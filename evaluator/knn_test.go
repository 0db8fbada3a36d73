package evaluator

import (
	"context"
	"math"
	"slices"
	"testing"

	"selfstream/schemas/safetensors"
	"selfstream/stages/oracletest"
	"selfstream/stages/random"
)

// TestKNNOracle compares the order of all classes with lightly's knn_predict.
func TestKNNOracle(t *testing.T) {
	oracletest.Each(t, "knn*", func(t *testing.T, c oracletest.Case) {
		p := KNN{K: int(c.Parameter("k")), Temperature: c.Parameter("temperature")}
		classes := int(c.Parameter("classes"))
		want := integers(t, c, "ranked_classes")
		have := ranks(t, p, Task{Classes: names(classes), Train: features(t, c, "bank"), Test: features(t, c, "query")})
		for i, ranked := range have {
			if want := want[i*classes : (i+1)*classes]; !slices.Equal(ranked, want) {
				t.Errorf("query %d: have %v, want %v", i, ranked, want)
			}
		}
	})
}

func features(t *testing.T, c oracletest.Case, name string) Features {
	x, shape := c.Values(name)
	return Features{Dim: shape[1], X: x, Labels: integers(t, c, name+"_labels")}
}

func integers(t *testing.T, c oracletest.Case, name string) []int32 {
	t.Helper()
	tensor, ok := c.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %q", name)
	}
	values, err := safetensors.Int64s(tensor)
	if err != nil {
		t.Fatal(err)
	}
	var small []int32
	for _, v := range values {
		small = append(small, int32(v))
	}
	return small
}

// ranks are all classes of each test image, from the most to the least voted
// for; of equal votes, the earlier class comes first.
func ranks(t *testing.T, p KNN, task Task) (ranks [][]int32) {
	t.Helper()
	err := p.vote(context.Background(), task, func(votes []float64) {
		classes := make([]int32, len(votes))
		for c := range classes {
			classes[c] = int32(c)
		}
		slices.SortStableFunc(classes, func(a, b int32) int {
			switch {
			case votes[a] > votes[b]:
				return -1
			case votes[a] < votes[b]:
				return 1
			}
			return 0
		})
		ranks = append(ranks, classes)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ranks
}

// TestKNNByHand has five training images on a circle, at these angles from the
// test image, and of these classes.
func TestKNNByHand(t *testing.T) {
	degrees := []float64{10, 20, 30, 40, 50}
	labels := []int32{1, 0, 0, 2, 2}
	train := Features{Dim: 2, Labels: labels}
	for i, a := range degrees {
		length := float64(i + 1) // which does not matter
		train.X = append(train.X, float32(length*math.Cos(a*math.Pi/180)), float32(length*math.Sin(a*math.Pi/180)))
	}
	test := Features{Dim: 2, X: []float32{7, 0}, Labels: []int32{0}}
	for _, tc := range []struct {
		name string
		p    KNN
		want []int32
	}{
		{"the nearest alone", KNN{1, 0.1}, []int32{1, 0, 2}},
		{"two far ones outvote a near one", KNN{3, 100}, []int32{0, 1, 2}},
		{"cold: the nearest outweighs two", KNN{3, 0.01}, []int32{1, 0, 2}},
		{"very cold, without overflow", KNN{3, 1e-6}, []int32{1, 0, 2}},
		{"more neighbours than images", KNN{99, 100}, []int32{0, 2, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if have := ranks(t, tc.p, Task{Classes: names(3), Train: train, Test: test})[0]; !slices.Equal(have, tc.want) {
				t.Errorf("have %v, want %v", have, tc.want)
			}
		})
	}
}

// TestKNNLiterals has the cases of lightly's tests/utils/benchmarking/test_knn.py.
func TestKNNLiterals(t *testing.T) {
	bank := []float32{1, 1, 1, -1, 1, 1, -1, -1, 1, -1, -1, -1}
	test := Features{Dim: 3, X: []float32{1, 1, 1, -1, 1.1, -1}, Labels: []int32{0, 1}}
	for _, tc := range []struct {
		k      int
		labels []int32
		want   [][]int32
	}{
		{4, []int32{0, 1, 2, 3}, [][]int32{{0, 1, 2, 3}, {1, 3, 0, 2}}},
		{2, []int32{0, 1, 0, 1}, [][]int32{{0, 1, 2, 3}, {1, 0, 2, 3}}},
	} {
		have := ranks(t, KNN{K: tc.k, Temperature: 0.1}, Task{Classes: names(4), Train: Features{Dim: 3, X: bank, Labels: tc.labels}, Test: test})
		for i, want := range tc.want {
			if !slices.Equal(have[i], want) {
				t.Errorf("k %d, query %d: have %v, want %v", tc.k, i, have[i], want)
			}
		}
	}
}

// TestKNNConstants: a default that changes in silence makes all figures before
// and after it incomparable, so it is pinned, and told beside the value.
func TestKNNConstants(t *testing.T) {
	train := Features{Dim: 1, X: make([]float32, 30), Labels: make([]int32, 30)}
	have := judge(t, DefaultKNN(), Task{Classes: names(1), Train: train, Test: train}).Constants
	if have["k"] != "20" || have["temperature"] != "0.1" || have["similarity"] != "cosine" {
		t.Errorf("have %v, want 20 neighbours by cosine at temperature 0.1", have)
	}
}

// TestNearest compares with sorting; of equal similarities the earlier counts.
func TestNearest(t *testing.T) {
	s := make([]float32, 500)
	for i := range s {
		s[i] = float32(i * i % 97)
	}
	all := make([]neighbour, len(s))
	for i := range s {
		all[i] = neighbour{i, s[i]}
	}
	slices.SortStableFunc(all, func(a, b neighbour) int { return int(b.similarity - a.similarity) })
	for _, k := range []int{1, 20, 500, 700} {
		if have, want := nearest(s, k), all[:min(k, len(all))]; !slices.Equal(have, want) {
			t.Errorf("k %d: have %v, want %v", k, have, want)
		}
	}
}

// TestKNNHeldOut: what is held out of the training images is scored against the
// rest of them, and the test has no say in it.
func TestKNNHeldOut(t *testing.T) {
	means := [][]float32{{9, 0}, {0, 9}}
	train := gaussians(random.New(1), 50, means)
	noise := slices.Clone(train.Labels)
	for i := range noise {
		noise[i] = int32(i % 2) // half of each class is the other's
	}
	for _, tc := range []struct {
		name     string
		labels   []int32
		min, max float64
	}{
		{"apart", train.Labels, 1, 1},
		{"mixed", noise, 0.2, 0.8},
	} {
		train := Features{train.Dim, train.X, tc.labels}
		test := gaussians(random.New(2), 5, means)
		v := judge(t, DefaultKNN(), Task{Classes: names(2), Train: train, Test: test, Compared: true})
		if v.HeldOut < tc.min || v.HeldOut > tc.max {
			t.Errorf("%s: have %.3f of the held-out images right, want %g to %g", tc.name, v.HeldOut, tc.min, tc.max)
		}
		slices.Reverse(test.Labels)
		if again := judge(t, DefaultKNN(), Task{Classes: names(2), Train: train, Test: test, Compared: true}); again.HeldOut != v.HeldOut {
			t.Errorf("%s: have %.3f with other test labels, want %.3f", tc.name, again.HeldOut, v.HeldOut)
		}
	}
}

// TestKNNBlocks has more test images than fit into one block of similarities.
func TestKNNBlocks(t *testing.T) {
	train := Features{Dim: 2, X: []float32{1, 0, 0, 1}, Labels: []int32{0, 1}}
	test := Features{Dim: 2}
	for i := range 1000 {
		test.X = append(test.X, float32(i%3), 1.5)
		test.Labels = append(test.Labels, int32(1-i%3/2)) // (2, 1.5) is nearer to (1, 0)
	}
	if v := judge(t, KNN{K: 1, Temperature: 0.1}, Task{Classes: names(2), Train: train, Test: test}); v.Value != 1 {
		t.Errorf("have %.4f, want 1", v.Value)
	}
}
