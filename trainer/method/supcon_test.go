package method

import (
	"fmt"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// bySupCon is the loss of SupCon on the embeddings of two views of images of
// these classes.
func bySupCon(temperature float64, classes ...int32) func(in []*Node) *Node {
	return func(in []*Node) *Node {
		s := similarities(Concatenate(in, 0), temperature)
		return infoNCE(s, classmates(s, twice(s, classes)))
	}
}

// twice are the classes of both views.
func twice(x *Node, classes []int32) *Node {
	return Batch{Labels: Const(x.Graph(), classes)}.pairLabels()
}

func TestSupConByHand(t *testing.T) {
	pair := [][]float32{{1, 0}, {0, 1}}
	same := [][]float32{{1, 2}, {2, 4}, {0.5, 1}}
	opposite := [][]float32{{1, 0}, {-1, 0}}
	for _, tc := range []struct {
		name    string
		a, b    [][]float32
		classes []int32
		t       float64
		want    float64
	}{
		{"all in one direction, of three classes", same, same, []int32{0, 1, 2}, 0.2, math.Log(5)},
		{"all in one direction, of one class", same, same, []int32{4, 4, 4}, 0.2, math.Log(5)},
		{"two classes at right angles", pair, pair, []int32{0, 1}, 1, math.Log(1 + 2*math.Exp(-1))},
		// The others are the partner at 1, and two of its class at 0.
		{"one class at right angles", pair, pair, []int32{1, 1}, 1, math.Log(math.E+2) - 1./3},
		// The others are the partner at 2, and two of its class at −2.
		{"one class, opposite", opposite, opposite, []int32{0, 0}, 0.5, math.Log(math.Exp(2)+2*math.Exp(-2)) + 2./3},
		{"so cold that exp overflows", pair, pair, []int32{0, 1}, 1e-3, 0},
		{"one image", [][]float32{{1, 0}}, [][]float32{{0, 1}}, []int32{0}, 0.1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, grads := gradients(t, bySupCon(tc.t, tc.classes...), tc.a, tc.b)
			if err := near(have, tc.want, 1e-5); err != nil {
				t.Error(err)
			}
			if err := finite(grads); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSupConByLoops compares with equation 2 as loops in float64, and with
// SimCLR where no two images are of one class.
func TestSupConByLoops(t *testing.T) {
	for _, n := range []int{1, 2, 5, 33} {
		for _, temperature := range []float64{0.1, 1} {
			a, b := normal(1, n, 8), normal(2, n, 8)
			classes, distinct := make([]int32, n), make([]int32, n)
			for i := range classes {
				classes[i], distinct[i] = int32(i*i%3), int32(i)
			}
			have, _ := gradients(t, bySupCon(temperature, classes...), a, b)
			want := contrastLoops(slices.Concat(a, b), temperature, func(i, j int) bool { return classes[i%n] == classes[j%n] })
			if err := near(have, want, 1e-5); err != nil {
				t.Errorf("n %d, temperature %g: %v", n, temperature, err)
			}
			have, _ = gradients(t, bySupCon(temperature, distinct...), a, b)
			if err := near(have, ntXentLoops(a, b, temperature), 1e-5); err != nil {
				t.Errorf("n %d, temperature %g, a class for each image: %v", n, temperature, err)
			}
		}
	}
}

// contrastLoops is the mean over the rows of z of the mean over their positives
// of the cross entropy of finding them.
func contrastLoops(z [][]float32, temperature float64, positive func(i, j int) bool) float64 {
	var loss float64
	for i := range z {
		var all, wanted, count float64
		for j := range z {
			if j == i {
				continue
			}
			s := cosine(z[i], z[j]) / temperature
			all += math.Exp(s)
			if positive(i, j) {
				wanted, count = wanted+s, count+1
			}
		}
		loss += math.Log(all) - wanted/count
	}
	return loss / float64(len(z))
}

// TestSymmetricViews: what learns from labels sees what SimCLR sees.
func TestSymmetricViews(t *testing.T) {
	for _, size := range []int{32, 224} {
		for _, recipe := range Recipes() {
			want := ""
			for _, name := range []string{"simclr", "supervised", "supcon", "kcl"} {
				m, err := New(name, map[string]string{RecipeSetting: recipe})
				if err != nil {
					t.Fatal(err)
				}
				have := fmt.Sprintf("%+v", m.Recipe(size))
				if want == "" {
					want = have
				}
				if have != want {
					t.Errorf("%s, %s at %d pixels: have %s, want %s", name, recipe, size, have, want)
				}
			}
		}
	}
}
