package method

import (
	"fmt"
	"math"
	"math/bits"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// How Permutations measures a candidate by its Hamming distances, the numbers
// of places that show another tile, to the permutations chosen so far.
const (
	MaxMin = "max_min" // by the smallest: no two permutations of the set are nearly the same
	MaxAvg = "max_avg" // by the mean, as in the paper: some pairs may differ in but two places
)

// Permutations chooses n of the 9! orders of nine tiles that differ in as many
// places as possible, one after the other: the next is always the candidate
// with the largest distance to those chosen before. All candidates are looked
// at in an order drawn from the seed; its first is chosen first, and among
// equals the first one wins.
//
// Noroozi & Favaro, 2016, https://arxiv.org/abs/1603.09246, algorithm 1. With
// MaxAvg a hundred permutations have the mean distance of the authors' set,
// 8.08, the most there can be. It takes n times about a millisecond.
func Permutations(n int, by string, seed uint64) ([]schemas.Permutation, error) {
	if by != MaxMin && by != MaxAvg {
		return nil, fmt.Errorf("choosing permutations: have %q, want %s or %s", by, MaxMin, MaxAvg)
	}
	if n < 1 || n > schemas.MaxPermutations {
		return nil, fmt.Errorf("choosing permutations: have %d, want 1 to %d", n, schemas.MaxPermutations)
	}
	candidates := allPermutations(random.New(seed).Fold(permutationDomain))
	score := make([]int32, len(candidates)) // the least distance, or the sum of all
	for i := range score {
		score[i] = schemas.Tiles
	}
	chosen := make([]schemas.Permutation, n)
	for i := range chosen {
		best := 0
		for k, s := range score {
			if s > score[best] {
				best = k
			}
		}
		chosen[i] = candidates[best].unpack()
		measure(score, candidates, candidates[best], by)
		score[best] = math.MinInt32 // it is chosen once
	}
	return chosen, nil
}

// measure takes the distances to p into the scores.
func measure(score []int32, candidates []packed, p packed, by string) {
	if by == MaxMin {
		for i, q := range candidates {
			score[i] = min(score[i], p.distance(q))
		}
		return
	}
	for i, q := range candidates {
		score[i] += p.distance(q)
	}
}

// permutationDomain keeps the seed's numbers apart from those of other uses.
const permutationDomain = 0x7065726d // "perm"

// packed is a permutation with four bits for each place, the first lowest.
type packed uint64

// distance is the number of places in which p and q differ.
func (p packed) distance(q packed) int32 {
	const lowest = 0x111111111
	x := p ^ q
	x |= x >> 1
	x |= x >> 2
	return int32(bits.OnesCount64(uint64(x & lowest)))
}

func (p packed) unpack() (out schemas.Permutation) {
	for i := range out {
		out[i] = uint8(p >> (4 * i) & 15)
	}
	return out
}

// allPermutations are those of nine tiles, in an order drawn from the key.
func allPermutations(key random.Key) []packed {
	all := []packed{0}
	for tile := range packed(schemas.Tiles) { // goes to every place of the shorter ones
		var longer []packed
		for _, p := range all {
			for place := range tile + 1 {
				below := p & (1<<(4*place) - 1)
				longer = append(longer, below|tile<<(4*place)|(p^below)<<4)
			}
		}
		all = longer
	}
	shuffled := make([]packed, len(all))
	for i, from := range key.Perm(len(all)) {
		shuffled[i] = all[from]
	}
	return shuffled
}
