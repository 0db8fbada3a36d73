package method

import (
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestKPositivesByHand has the six views of three images, of which the first
// and the last are of one class: views 0 and 3, 1 and 4, 2 and 5 are partners.
func TestKPositivesByHand(t *testing.T) {
	classes := []int32{7, 1, 7}
	for _, tc := range []struct {
		k    int
		want [][]int // of each view
	}{
		{0, [][]int{{3}, {4}, {5}, {0}, {1}, {2}}},
		{1, [][]int{{2, 3}, {4}, {3, 5}, {0, 5}, {1}, {0, 2}}}, // after 5 comes 0, which is of its class
		{2, [][]int{{2, 3, 5}, {4}, {0, 3, 5}, {0, 2, 5}, {1}, {0, 2, 3}}},
		{9, [][]int{{2, 3, 5}, {4}, {0, 3, 5}, {0, 2, 5}, {1}, {0, 2, 3}}}, // there are no more
	} {
		out := run(t, func(in []*Node) []*Node {
			return []*Node{ConvertDType(kPositives(classmates(in[0], twice(in[0], classes)), tc.k), in[0].DType())}
		}, make2D(6, 6))
		flat := tensors.MustCopyFlatData[float32](out[0])
		for i, want := range tc.want {
			var have []int
			for j, x := range flat[i*6 : i*6+6] {
				if x == 1 {
					have = append(have, j)
				}
			}
			if !slices.Equal(have, want) {
				t.Errorf("k %d, view %d: have positives %v, want %v", tc.k, i, have, want)
			}
		}
	}
}

func make2D(n, d int) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, d)
	}
	return x
}

func byKCL(temperature float64, k int, classes ...int32) func(in []*Node) *Node {
	return func(in []*Node) *Node {
		s := similarities(Concatenate(in, 0), temperature)
		return infoNCE(s, kPositives(classmates(s, twice(s, classes)), k))
	}
}

// TestKCLByLoops compares with loops in float64 that choose the positives one
// by one. No positives are SimCLR, all of them SupCon.
func TestKCLByLoops(t *testing.T) {
	const n, temperature = 17, 0.1
	a, b := normal(1, n, 8), normal(2, n, 8)
	classes := make([]int32, n)
	for i := range classes {
		classes[i] = int32(i*i%5) % 3
	}
	for _, k := range []int{0, 1, 2, 6, 2 * n} {
		positive := func(i, j int) bool {
			if j == (i+n)%(2*n) {
				return true
			}
			chosen := 0
			for step := 1; step < 2*n && chosen < k; step++ {
				other := (i + step) % (2 * n)
				if other%n == i%n || classes[other%n] != classes[i%n] {
					continue
				}
				if chosen++; other == j {
					return true
				}
			}
			return false
		}
		want := contrastLoops(slices.Concat(a, b), temperature, positive)
		have, grads := gradients(t, byKCL(temperature, k, classes...), a, b)
		if err := near(have, want, 1e-5); err != nil {
			t.Errorf("k %d: %v", k, err)
		}
		if err := finite(grads); err != nil {
			t.Errorf("k %d: %v", k, err)
		}
	}
	none, _ := gradients(t, byKCL(temperature, 0, classes...), a, b)
	if err := near(none, ntXentLoops(a, b, temperature), 1e-5); err != nil {
		t.Errorf("k 0, against SimCLR: %v", err)
	}
	all, _ := gradients(t, byKCL(temperature, 2*n, classes...), a, b)
	supcon, _ := gradients(t, bySupCon(temperature, classes...), a, b)
	if err := near(all, supcon, 1e-6); err != nil {
		t.Errorf("all positives, against SupCon: %v", err)
	}
}
