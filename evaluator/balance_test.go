package evaluator

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"selfstream/schemas"
)

// TestBalancedness has values that another program computed from the formula,
// and such that are plain to see.
func TestBalancedness(t *testing.T) {
	reference := []float64{.9, .8, .7, .3}
	for _, tc := range []struct {
		name       string
		accuracies []float64
		scale      float64
		want       float64
	}{
		{"reference", reference, 1, 0.8067584914},
		{"reference, close", reference, 0.2, 0.4810185139},
		{"equal", []float64{.6, .6, .6}, 0.2, 1},
		{"one class", []float64{.6}, 1, 1},
		{"one right, one wrong", []float64{1, 0}, 1, (1 + math.Exp(-1)) / 2},
		{"none", nil, 1, 0},
	} {
		if have := balancedness(tc.accuracies, tc.scale); math.Abs(have-tc.want) > 1e-10 {
			t.Errorf("%s: have %.10f, want %.10f", tc.name, have, tc.want)
		}
	}
	mean, std := moments(reference)
	if math.Abs(mean-0.675) > 1e-12 || math.Abs(std-math.Sqrt(0.051875)) > 1e-12 {
		t.Errorf("have mean %g and deviation %g, want 0.675 and %g", mean, std, math.Sqrt(0.051875))
	}
}

func TestThirds(t *testing.T) {
	for _, tc := range []struct {
		trained []int
		want    [3][]int // many, medium, few
	}{
		{[]int{5, 50, 500}, [3][]int{{2}, {1}, {0}}},
		{[]int{7, 7, 7, 12}, [3][]int{{3}, {0, 1}, {2}}}, // ties in the order of the labels
		{[]int{6, 6, 6, 9}, [3][]int{{3}, {0, 1}, {2}}},  // just enough
		{[]int{7, 7, 7, 10}, [3][]int{}},
		{[]int{240, 240, 239, 240, 238, 240}, [3][]int{}},                                                       // balanced, but for what is held out
		{[]int{240, 240, 240, 240, 240, 150}, [3][]int{}},                                                       // one class alone makes no third
		{[]int{463, 500, 540, 583, 630, 680, 735, 794, 857, 926}, [3][]int{{9, 8, 7}, {6, 5, 4, 3}, {2, 1, 0}}}, // a tail of ratio 2
		{[]int{50, 83, 139, 232, 387, 646, 1077, 1797, 2997, 5000}, [3][]int{{9, 8, 7}, {6, 5, 4, 3}, {2, 1, 0}}},
		{[]int{1, 2, 3, 4, 5}, [3][]int{{4, 3}, {2}, {1, 0}}},
		{[]int{0, 2, 2, 2}, [3][]int{{1}, {2, 3}, {0}}}, // a class that was not trained on
		{[]int{4, 4, 4, 4}, [3][]int{}},
		{[]int{1, 100}, [3][]int{}},
		{nil, [3][]int{}},
	} {
		trained := map[string]int{}
		var classes []schemas.ClassValue
		for i, n := range tc.trained {
			name := fmt.Sprint(i)
			classes = append(classes, schemas.ClassValue{Class: name, Value: float64(i)})
			trained[name] = n
		}
		groups := thirds(classes, trained)
		for i, name := range []string{"many", "medium", "few"} {
			var have []int
			for _, class := range groups[name] {
				have = append(have, int(class.Value))
			}
			if !slices.Equal(have, tc.want[i]) {
				t.Errorf("%v, %s: have %v, want %v", tc.trained, name, have, tc.want[i])
			}
		}
	}
	if groups := thirds([]schemas.ClassValue{{Class: "a"}, {Class: "b"}, {Class: "c"}}, nil); groups != nil {
		t.Errorf("have %v, want no groups where nothing is known", groups)
	}
}
