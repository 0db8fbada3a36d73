package evaluator

import (
	"context"
	"math"
	"strconv"

	"selfstream/stages/geometry"
)

// labelFreeImages bounds what the label-free figures look at: the effective
// rank takes time with the cube of the features' dimension.
const labelFreeImages = 2048

// RankMe is the effective rank of the features of the training images; see
// geometry.RankMe.
type RankMe struct{}

// Name is "rankme".
func (RankMe) Name() string { return "rankme" }

// Judge needs no labels.
func (RankMe) Judge(_ context.Context, t Task) (Verdict, error) {
	f := spread(t.Train, labelFreeImages)
	return Verdict{
		Value:     geometry.RankMe(f.X, f.Len(), f.Dim),
		Constants: map[string]string{"largest": strconv.Itoa(min(f.Len(), f.Dim))},
		Train:     f.Len(),
	}, nil
}

// Std is the spread of the L2-normalised features of the training images; see
// geometry.Std.
type Std struct{}

// Name is "std".
func (Std) Name() string { return "std" }

// Judge needs no labels.
func (Std) Judge(_ context.Context, t Task) (Verdict, error) {
	f := spread(t.Train, labelFreeImages)
	return Verdict{
		Value:     geometry.Std(f.X, f.Len(), f.Dim),
		Constants: map[string]string{"even_on_the_sphere": format(1 / math.Sqrt(float64(f.Dim)))},
		Train:     f.Len(),
	}, nil
}

// spread returns at most limit images at even distances.
func spread(f Features, limit int) Features {
	if f.Len() <= limit {
		return f
	}
	return f.rows(evenly(f.Len(), limit))
}

// evenly chooses at most limit of n numbers, at even distances.
func evenly(n, limit int) []int {
	chosen := make([]int, min(n, limit))
	for i := range chosen {
		chosen[i] = i * n / len(chosen)
	}
	return chosen
}
