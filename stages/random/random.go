// Package random draws numbers that depend on nothing but their key: no
// generator is shared and no order of calls matters, so that any process can
// draw the numbers of any image again.
//
//	key := random.New(seed).Fold(epoch).Fold(image).Fold(view).Fold(operation)
//	u := key.Float64(0) // the first number of that key
//
// Keys are folded and numbers drawn with Philox4x32-10 (Salmon et al., 2011,
// "Parallel random numbers: as easy as 1, 2, 3", https://doi.org/10.1145/2063384.2063405).
package random

import (
	"math"
	"math/bits"
)

// Key names an endless row of random numbers.
type Key struct{ lo, hi uint32 }

// New returns the key of a seed.
func New(seed uint64) Key { return Key{uint32(seed), uint32(seed >> 32)} }

// Fold returns the key of the n-th branch below k. The branches and k's own
// numbers are independent of each other.
func (k Key) Fold(n uint64) Key {
	out := philox([4]uint32{uint32(n), uint32(n >> 32), 0, foldDomain}, k)
	return Key{out[0], out[1]}
}

// foldDomain keeps Fold's counters apart from those of Uint64, which have 0
// there.
const foldDomain = 0x666f6c64

// Uint64 is the i-th number of k, of all 64-bit numbers alike.
func (k Key) Uint64(i uint64) uint64 {
	out := philox([4]uint32{uint32(i), uint32(i >> 32), 0, 0}, k)
	return uint64(out[1])<<32 | uint64(out[0])
}

// Float64 is the i-th number of k, in [0, 1), on a grid of 2⁻⁵³.
func (k Key) Float64(i uint64) float64 { return float64(k.Uint64(i)>>11) * 0x1p-53 }

// Uniform is the i-th number of k, in [lo, hi).
func (k Key) Uniform(i uint64, lo, hi float64) float64 {
	// The product is rounded on its own: a fused multiply-add would give other
	// bits on other processors.
	return lo + float64(k.Float64(i)*(hi-lo))
}

// IntN is the i-th number of k, in [0, n). It panics unless n > 0. The bias is
// below n/2⁶⁴.
func (k Key) IntN(i uint64, n int) int {
	if n <= 0 {
		panic("random: IntN of n ≤ 0")
	}
	hi, _ := bits.Mul64(k.Uint64(i), uint64(n))
	return int(hi)
}

// Normal is the i-th number of k from the standard normal distribution. It
// uses the numbers 2i and 2i+1 (Box–Muller).
func (k Key) Normal(i uint64) float64 {
	r := math.Sqrt(-2 * math.Log(1-k.Float64(2*i)))
	return r * math.Cos(2*math.Pi*k.Float64(2*i+1))
}

// Perm is a permutation of 0 … n−1 (Fisher–Yates).
func (k Key) Perm(n int) []int {
	p := make([]int, n)
	k.Permute(p)
	return p
}

// Permute sets p to Perm(len(p)).
func (k Key) Permute(p []int) {
	for i := range p {
		j := k.IntN(uint64(i), i+1)
		p[i] = p[j]
		p[j] = i
	}
}

// philox is ten rounds of Philox4x32.
func philox(ctr [4]uint32, k Key) [4]uint32 {
	const (
		mul0, mul1   = 0xD2511F53, 0xCD9E8D57
		weyl0, weyl1 = 0x9E3779B9, 0xBB67AE85
		rounds       = 10
	)
	k0, k1 := k.lo, k.hi
	for range rounds {
		hi0, lo0 := bits.Mul32(mul0, ctr[0])
		hi1, lo1 := bits.Mul32(mul1, ctr[2])
		ctr = [4]uint32{hi1 ^ ctr[1] ^ k0, lo1, hi0 ^ ctr[3] ^ k1, lo0}
		k0 += weyl0
		k1 += weyl1
	}
	return ctr
}
