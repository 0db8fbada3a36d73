package evaluator

import (
	"math"
	"slices"

	"selfstream/stages/random"
)

// folds are the parts of the training images that are held out in turn, to
// choose between stages, and of which the first serves to choose between the
// settings of a probe. The test images never do.
const folds = 5

// holdOut puts the indices of the training images that a fold holds out behind
// those of the others, and returns how many others there are. Each class gives
// its share, rounded, and keeps at least one; each of its images is in one of the
// folds, unless it is alone. The choice depends on nothing but the labels.
func holdOut(labels []int32, classes, fold int) (order []int, fitted int) {
	byClass := make([][]int, classes)
	for i, label := range labels {
		byClass[label] = append(byClass[label], i)
	}
	var held []int
	for c, members := range byClass {
		begin, end := share(len(members), fold), share(len(members), fold+1)
		for rank, k := range random.New(0).Fold(uint64(c)).Perm(len(members)) {
			if begin <= rank && rank < end && len(members) > 1 {
				held = append(held, members[k])
			} else {
				order = append(order, members[k])
			}
		}
	}
	slices.Sort(order)
	slices.Sort(held)
	return append(order, held...), len(order)
}

// share is where a fold of n begins.
func share(n, fold int) int { return int(math.Round(float64(n*fold) / folds)) }

// validate is the accuracy on all images that some fold holds out, as judge has
// it for one fold's order: how many of the images behind the first fitted ones it
// gets right, having learnt from those. 0 where nothing is held out.
func validate(f Features, classes int, judge func(order []int, fitted int) (right int, err error)) (float64, error) {
	right, of := 0, 0
	for fold := range folds {
		order, fitted := holdOut(f.Labels, classes, fold)
		if fitted == len(order) {
			continue
		}
		n, err := judge(order, fitted)
		if err != nil {
			return 0, err
		}
		right, of = right+n, of+len(order)-fitted
	}
	return float64(right) / float64(max(of, 1)), nil
}
