package method

import (
	"math"
	"slices"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// hamming is the number of places in which two permutations differ.
func hamming(p, q schemas.Permutation) int {
	n := 0
	for i := range p {
		if p[i] != q[i] {
			n++
		}
	}
	return n
}

func choose(t *testing.T, n int, by string, seed uint64) []schemas.Permutation {
	t.Helper()
	all, err := Permutations(n, by, seed)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPermutationsAreFarApart. The mean distance cannot be more than 8n/(n−1),
// as each place shows each tile n/9 times at best. Of the authors' sets, the one
// of 100 has the mean 8.08 and a least distance of 2, the one of 701 has 8.00
// and 3.
func TestPermutationsAreFarApart(t *testing.T) {
	sizes := []int{64, 100, 1000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, n := range sizes {
		for _, tc := range []struct {
			by    string
			least map[int]int     // between any two
			mean  map[int]float64 // of all pairs
		}{
			{MaxMin, map[int]int{64: 7, 100: 6, 1000: 5}, map[int]float64{64: 8.10, 100: 8.05, 1000: 8.00}},
			{MaxAvg, map[int]int{64: 3, 100: 2, 1000: 2}, map[int]float64{64: 8.12, 100: 8.08, 1000: 8.00}},
		} {
			all := choose(t, n, tc.by, 1)
			recipe := schemas.Recipe{Jigsaw: &schemas.Jigsaw{
				Size: 8, Cell: 8, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}, Permutations: all,
			}}
			if err := recipe.Validate(); err != nil || len(all) != n {
				t.Fatalf("%s: have %d permutations and error %v, want %d valid ones", tc.by, len(all), err, n)
			}
			least, sum, pairs := schemas.Tiles, 0, 0
			for i := range all {
				for j := range i {
					d := hamming(all[i], all[j])
					least, sum, pairs = min(least, d), sum+d, pairs+1
				}
			}
			mean := float64(sum) / float64(pairs)
			if most := 8 * float64(n) / float64(n-1); least < tc.least[n] || mean < tc.mean[n] || mean > most+1e-9 {
				t.Errorf("%s of %d: have a least distance of %d and a mean of %.4f, want at least %d, and %.2f to %.4f",
					tc.by, n, least, mean, tc.least[n], tc.mean[n], most)
			}
		}
	}
}

// TestPermutationsAreGreedy compares each choice with what a plain loop finds.
func TestPermutationsAreGreedy(t *testing.T) {
	candidates := make([]schemas.Permutation, 0, 362_880)
	for _, p := range allPermutations(random.New(3).Fold(permutationDomain)) {
		candidates = append(candidates, p.unpack())
	}
	for by, score := range map[string]func(schemas.Permutation, []schemas.Permutation) int{
		MaxMin: func(p schemas.Permutation, chosen []schemas.Permutation) int {
			least := schemas.Tiles
			for _, q := range chosen {
				least = min(least, hamming(p, q))
			}
			return least
		},
		MaxAvg: func(p schemas.Permutation, chosen []schemas.Permutation) int {
			sum := 0
			for _, q := range chosen {
				sum += hamming(p, q)
			}
			return sum
		},
	} {
		have := choose(t, 6, by, 3)
		for n := range have {
			best, most := 0, math.MinInt
			for i, p := range candidates {
				if s := score(p, have[:n]); s > most && !slices.Contains(have[:n], p) {
					best, most = i, s
				}
			}
			if want := candidates[best]; have[n] != want {
				t.Fatalf("%s: choice %d: have %v, want %v", by, n, have[n], want)
			}
		}
	}
}

// TestAllPermutations: 9! of them, and each is one.
func TestAllPermutations(t *testing.T) {
	seen := map[schemas.Permutation]bool{}
	for _, p := range allPermutations(random.New(1)) {
		q := p.unpack()
		seen[q] = true
		slices.Sort(q[:])
		if q != (schemas.Permutation{0, 1, 2, 3, 4, 5, 6, 7, 8}) {
			t.Fatalf("have %v, want each tile once", p.unpack())
		}
	}
	if len(seen) != 362_880 {
		t.Errorf("have %d permutations, want 362880", len(seen))
	}
}

// TestPermutationsAreTheSeeds: a run that goes on must ask the same puzzles.
func TestPermutationsAreTheSeeds(t *testing.T) {
	text := func(all []schemas.Permutation) string {
		var s []string
		for _, p := range all {
			s = append(s, p.String())
		}
		return strings.Join(s, " ")
	}
	first := text(choose(t, 4, MaxMin, 1))
	if want := "756032481 401576832 573184260 634705128"; first != want {
		t.Errorf("have %s, want %s", first, want)
	}
	if longer := text(choose(t, 6, MaxMin, 1)); !strings.HasPrefix(longer, first) {
		t.Errorf("six begin with %s, want the four %s", longer, first)
	}
	if other := text(choose(t, 4, MaxMin, 2)); other == first {
		t.Errorf("have %s for two seeds, want them to differ", other)
	}
}

func TestPermutationsRefuse(t *testing.T) {
	for _, tc := range []struct {
		n    int
		by   string
		want string
	}{
		{64, "max", `choosing permutations: have "max", want max_min or max_avg`},
		{0, MaxMin, "choosing permutations: have 0, want 1 to 10000"},
		{10_001, MaxAvg, "choosing permutations: have 10001, want 1 to 10000"},
	} {
		if _, err := Permutations(tc.n, tc.by, 1); err == nil || err.Error() != tc.want {
			t.Errorf("have %v, want %s", err, tc.want)
		}
	}
}

func BenchmarkPermutations(b *testing.B) {
	for _, by := range []string{MaxMin, MaxAvg} {
		b.Run(by, func(b *testing.B) {
			for b.Loop() {
				if _, err := Permutations(64, by, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
