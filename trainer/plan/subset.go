package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/random"
)

// subsetDomain keeps the keys of the choice of images apart from those of the
// order and of the views, which are folded from the same seed.
const subsetDomain = 0x737562736574 // "subset"

// subset are the images of d that the config's LongTail and Images leave, sorted
// by key. Its seed decides which; the images of a class for a higher ratio are
// among those for a lower one.
func subset(d *bucket.Dataset, c schemas.Config) ([]bucket.File, error) {
	key := random.New(c.Seed).Fold(subsetDomain)
	switch {
	case c.LongTail > 0:
		return longTailed(d, c.LongTail, c.Images, key)
	case c.Images > len(d.Train):
		return nil, fmt.Errorf("it has %d to train on, and %d are asked for: choose --images of at most %d", len(d.Train), c.Images, len(d.Train))
	case c.Images > 0:
		return pick(d.Train, key, c.Images), nil
	}
	return d.Train, nil
}

// pick chooses n of the files, and keeps their order. Of fewer, it chooses some
// of the same.
func pick(files []bucket.File, key random.Key, n int) []bucket.File {
	chosen := key.Perm(len(files))[:n]
	slices.Sort(chosen)
	some := make([]bucket.File, n)
	for i, k := range chosen {
		some[i] = files[k]
	}
	return some
}

// longTailed chooses the images of a long tail, whose classes come in an order
// of the key.
func longTailed(d *bucket.Dataset, ratio float64, total int, key random.Key) ([]bucket.File, error) {
	classes, err := byClass(d)
	if err != nil {
		return nil, err
	}
	ordered, sizes := make([][]bucket.File, len(classes)), make([]int, len(classes)) // from the head to the tail
	for i, c := range key.Perm(len(classes)) {
		ordered[i], sizes[i] = classes[c], len(classes[c])
	}
	counts, err := tail(sizes, ratio, total)
	if err != nil {
		return nil, err
	}
	var all []bucket.File
	for i, files := range ordered {
		all = append(all, pick(files, key.Fold(uint64(files[0].Label)), counts[i])...)
	}
	slices.SortFunc(all, func(a, b bucket.File) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

// byClass are the images to train on of each class that has any. Images without
// a label are in no class, and are left out.
func byClass(d *bucket.Dataset) ([][]bucket.File, error) {
	classes := make([][]bucket.File, len(d.Classes))
	for _, f := range d.Train {
		if f.Label >= 0 {
			classes[f.Label] = append(classes[f.Label], f)
		}
	}
	classes = slices.DeleteFunc(classes, func(files []bucket.File) bool { return len(files) == 0 })
	if len(classes) < 2 {
		return nil, fmt.Errorf("--long-tail is about classes, and it has images to train on of %d: put them into one folder per class", len(classes))
	}
	return classes, nil
}

// LongestTail is how many images of d any long tail of that ratio can have,
// whatever the order of the classes.
func LongestTail(d *bucket.Dataset, ratio float64) (int, error) {
	classes, err := byClass(d)
	if err != nil {
		return 0, fmt.Errorf("choosing images of dataset %q: %w", d.Name, err)
	}
	least := len(classes[0])
	for _, files := range classes {
		least = min(least, len(files))
	}
	shares, _ := tailShares(len(classes), ratio)
	return available(float64(least), shares), nil
}

// tail is how many images each of C classes of the given sizes has, from the
// head to the tail, where the first has ratio times as many as the last:
//
//	n_c = n_max · ratio^(−c/(C−1)), c = 0 … C−1
//
// (Cui et al., 2019, "Class-Balanced Loss Based on Effective Number of Samples",
// section 5.1, https://arxiv.org/abs/1901.05555), rounded. n_max is the largest for
// which every class has enough; or, if total is not 0, that for which they are
// so many in all, rounded so that they are.
func tail(sizes []int, ratio float64, total int) ([]int, error) {
	shares, sum := tailShares(len(sizes), ratio)
	most := math.Inf(1)
	for c, size := range sizes {
		most = min(most, float64(size)/shares[c])
	}
	counts := make([]int, len(sizes))
	if total == 0 {
		for c := range counts {
			counts[c] = max(1, int(math.Round(most*shares[c])))
		}
		return counts, nil
	}
	if n := available(most, shares); total > n {
		return nil, fmt.Errorf("a long tail of %g has %d, and %d are asked for: choose --images of at most %d, or a lower --long-tail", ratio, n, total, n)
	}
	most = float64(total) / sum
	for c := range counts {
		counts[c] = int(most * shares[c])
	}
	// What rounding down leaves goes to the largest remainders, which keeps the
	// order: of two classes with as many, the one nearer to the head has more left.
	order := make([]int, len(counts))
	left := total
	for c := range order {
		order[c] = c
		left -= counts[c]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(most*shares[b]-float64(counts[b]), most*shares[a]-float64(counts[a]))
	})
	for _, c := range order[:left] {
		counts[c]++
	}
	if counts[len(counts)-1] == 0 {
		return nil, fmt.Errorf("%d images in a long tail of %g leave none for the last class: choose a higher --images or a lower --long-tail", total, ratio)
	}
	return counts, nil
}

// tailShares are the sizes of the classes as shares of the first, and their sum.
func tailShares(classes int, ratio float64) (shares []float64, sum float64) {
	for c := range classes {
		share := math.Pow(ratio, -float64(c)/float64(classes-1))
		shares, sum = append(shares, share), sum+share
	}
	return shares, sum
}

// available is how many images classes of these shares can have in all: any
// total up to it leaves each with enough, however it is rounded.
func available(most float64, shares []float64) (n int) {
	for _, share := range shares {
		n += int(most * share)
	}
	return n
}
