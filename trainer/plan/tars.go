package plan

import (
	"cmp"
	"slices"

	"selfstream/schemas"
	"selfstream/stages/random"
)

const (
	runBytes  = 256 << 10 // what a run of neighbours weighs, about: as much as a request is worth
	runImages = 16        // of a run at most: more of them make batches less random
)

// tars are the images of a manifest of which some are members of tars.
//
// The order of an epoch keeps neighbours together, so that an augmenter reads
// several by one request: each tar is cut into runs of a few neighbours, the
// runs of all tars are shuffled, and then the images within each split. (Xu et
// al., 2022, "Stochastic Gradient Descent without Full Data Shuffle",
// https://arxiv.org/abs/2206.05830, which reads blocks and shuffles within a
// buffer of them.) Where the cuts are is drawn anew in each epoch. Images that
// are large enough for a request of their own are in runs of one.
type tars struct {
	rows [][]int // ids of the images of each tar, by their place in it; of each object alone
	run  int     // images
}

// tarsOf returns nil if no image is a member of a tar.
func tarsOf(images []schemas.Image, perSplit int) *tars {
	var members, bytes int64
	order := make([]int, len(images))
	for i, img := range images {
		if order[i] = i; img.Tar > 0 {
			members++
			bytes += img.Size
		}
	}
	if members == 0 {
		return nil
	}
	t := &tars{run: int(max(1, min(runBytes/max(1, bytes/members), runImages, int64(perSplit))))}
	object := func(i int) string { return images[i].Key[:cmp.Or(images[i].Tar, len(images[i].Key))] }
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(object(a), object(b)), cmp.Compare(images[a].Offset, images[b].Offset), cmp.Compare(a, b))
	})
	for len(order) > 0 {
		n := 1
		for n < len(order) && object(order[n]) == object(order[0]) {
			n++
		}
		t.rows, order = append(t.rows, order[:n]), order[n:]
	}
	return t
}

// Branches of the key of an epoch's order.
const (
	cutsBranch = iota
	runsBranch
	splitsBranch
)

// order is that of an epoch with this key.
func (t *tars) order(key random.Key, perSplit int) []int {
	var runs [][]int
	n, cuts := 0, key.Fold(cutsBranch)
	for i, row := range t.rows {
		n += len(row)
		for first := cuts.IntN(uint64(i), t.run); len(row) > 0; first = 0 {
			run := row[:min(t.run-first, len(row))]
			runs, row = append(runs, run), row[len(run):]
		}
	}
	order := make([]int, 0, n)
	for _, i := range key.Fold(runsBranch).Perm(len(runs)) {
		order = append(order, runs[i]...)
	}
	for i := 0; i*perSplit < n; i++ {
		split := order[i*perSplit : min((i+1)*perSplit, n)]
		was := slices.Clone(split)
		for to, from := range key.Fold(splitsBranch).Fold(uint64(i)).Perm(len(split)) {
			split[to] = was[from]
		}
	}
	return order
}
