package random

import (
	"math"
	"slices"
	"testing"
)

// TestPhiloxVectors compares with the known answers of the authors' Random123
// library (kat_vectors, philox4x32 10).
func TestPhiloxVectors(t *testing.T) {
	for _, tc := range []struct {
		ctr  [4]uint32
		key  Key
		want [4]uint32
	}{
		{[4]uint32{}, Key{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, Key{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, Key{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := philox(tc.ctr, tc.key); got != tc.want {
			t.Errorf("philox(%x, %x): have %x, want %x", tc.ctr, tc.key, got, tc.want)
		}
	}
}

func TestKeysAreIndependent(t *testing.T) {
	seen := map[uint64]bool{}
	add := func(k Key) {
		for i := range uint64(4) {
			v := k.Uint64(i)
			if seen[v] {
				t.Fatalf("key %v repeats number %x", k, v)
			}
			seen[v] = true
		}
	}
	for seed := range uint64(4) {
		k := New(seed)
		add(k)
		for a := range uint64(8) {
			add(k.Fold(a))
			for b := range uint64(8) {
				add(k.Fold(a).Fold(b))
			}
		}
	}
}

// TestMoments checks mean and variance within five standard errors.
func TestMoments(t *testing.T) {
	const n = 200_000
	for _, tc := range []struct {
		name           string
		draw           func(Key, uint64) float64
		mean, variance float64
	}{
		{"Float64", Key.Float64, 0.5, 1. / 12},
		{"Uniform", func(k Key, i uint64) float64 { return k.Uniform(i, -1, 3) }, 1, 16. / 12},
		{"IntN", func(k Key, i uint64) float64 { return float64(k.IntN(i, 7)) }, 3, 4},
		{"Normal", Key.Normal, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := New(7).Fold(1)
			var sum, squares float64
			for i := range uint64(n) {
				x := tc.draw(k, i)
				sum += x
				squares += (x - tc.mean) * (x - tc.mean)
			}
			if have, err := sum/n, 5*math.Sqrt(tc.variance/n); math.Abs(have-tc.mean) > err {
				t.Errorf("mean: have %g, want %g ± %g", have, tc.mean, err)
			}
			if have := squares / n; math.Abs(have/tc.variance-1) > 0.02 {
				t.Errorf("variance: have %g, want %g", have, tc.variance)
			}
		})
	}
}

func TestPerm(t *testing.T) {
	firsts := map[int]int{}
	for seed := range uint64(600) {
		p := New(seed).Perm(6)
		firsts[p[0]]++
		slices.Sort(p)
		if !slices.Equal(p, []int{0, 1, 2, 3, 4, 5}) {
			t.Fatalf("seed %d: have %v, want a permutation of 0 … 5", seed, p)
		}
	}
	for v := range 6 {
		if n := firsts[v]; n < 60 || n > 140 {
			t.Errorf("%d comes first %d times of 600, want about 100", v, n)
		}
	}
	if p := New(1).Perm(0); len(p) != 0 {
		t.Errorf("Perm(0): have %v, want none", p)
	}
}
