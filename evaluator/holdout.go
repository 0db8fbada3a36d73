package evaluator

import (
	"math"
	"slices"

	"selfstream/stages/random"
)

// heldOutShare of each class's training images serve to choose between stages,
// and between the settings of a probe. The test images never do.
const heldOutShare = 0.2

// holdOut puts the indices of the training images that are held out behind
// those of the others, and returns how many others there are. Each class gives
// its share, rounded, and keeps at least one. The choice depends on nothing but
// the labels.
func holdOut(labels []int32, classes int, share float64) (order []int, fitted int) {
	byClass := make([][]int, classes)
	for i, label := range labels {
		byClass[label] = append(byClass[label], i)
	}
	var held []int
	for c, members := range byClass {
		n := int(math.Round(share * float64(len(members))))
		n = min(n, len(members)-1)
		for rank, k := range random.New(0).Fold(uint64(c)).Perm(len(members)) {
			if rank < n {
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

// pick returns the given images of f.
func (f Features) pick(images []int) Features {
	some := Features{Dim: f.Dim}
	for _, i := range images {
		some.X, some.Labels = append(some.X, f.Row(i)...), append(some.Labels, f.Labels[i])
	}
	return some
}
