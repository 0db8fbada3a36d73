package evaluator

import (
	"context"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/floats"
)

// KNN is the weighted nearest-neighbour probe: each of the K training images
// whose features have the largest cosine similarity s votes for its class with
// weight exp(s/Temperature).
//
// Wu et al., 2018, "Unsupervised Feature Learning via Non-Parametric Instance
// Discrimination", section 3.4, https://arxiv.org/abs/1805.01978. The paper,
// like most of its followers, has K = 200 and T = 0.07 for ImageNet's 1,300
// images a class. Of equal similarities the earlier image counts, of equal
// votes the earlier class.
type KNN struct {
	K           int
	Temperature float64
}

// DefaultKNN is what reports call "knn". K suits datasets with a few dozen
// images a class.
func DefaultKNN() KNN { return KNN{K: 20, Temperature: 0.1} }

// Name is "knn".
func (KNN) Name() string { return "knn" }

// Judge is top-1 accuracy.
func (p KNN) Judge(ctx context.Context, t Task) (Verdict, error) {
	v, err := p.score(ctx, t)
	if err != nil {
		return Verdict{}, err
	}
	if t.Compared {
		if v.HeldOut, err = p.validate(ctx, t); err != nil {
			return Verdict{}, err
		}
	}
	v.Constants = map[string]string{
		"k":           strconv.Itoa(min(p.K, t.Train.Len())),
		"temperature": format(p.Temperature),
		"similarity":  "cosine",
		"weight":      "exp(similarity/temperature)",
	}
	return v, nil
}

// score predicts the class with the most votes.
func (p KNN) score(ctx context.Context, t Task) (Verdict, error) {
	predicted := make([]int32, 0, t.Test.Len())
	err := p.vote(ctx, t, func(votes []float64) {
		predicted = append(predicted, int32(floats.MaxIdx(votes)))
	})
	return score(t, predicted), err
}

// validate is the accuracy on training images that are held out.
func (p KNN) validate(ctx context.Context, t Task) (float64, error) {
	return validate(t.Train, len(t.Classes), func(order []int, fitted int) (right int, err error) {
		held := Task{Classes: t.Classes, Train: t.Train.rows(order[:fitted]), Test: t.Train.rows(order[fitted:])}
		i := 0
		err = p.vote(ctx, held, func(votes []float64) {
			if int32(floats.MaxIdx(votes)) == held.Test.Labels[i] {
				right++
			}
			i++
		})
		return right, err
	})
}

// vote calls yield with the votes for every class, of one test image after the
// other.
func (p KNN) vote(ctx context.Context, t Task, yield func(votes []float64)) error {
	const block = 256 // test images at once
	n, d := t.Train.Len(), t.Train.Dim
	bank, queries := normalised(t.Train), normalised(t.Test)
	similarities := make([]float32, block*n)
	votes := make([]float64, len(t.Classes))
	for begin := 0; begin < t.Test.Len(); begin += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(block, t.Test.Len()-begin)
		blas32.Implementation().Sgemm(blas.NoTrans, blas.Trans, size, n, d,
			1, queries[begin*d:], d, bank, d, 0, similarities, n)
		for i := range size {
			near := nearest(similarities[i*n:(i+1)*n], p.K)
			clear(votes)
			for _, b := range near {
				// Relative to the nearest, no temperature makes it overflow.
				votes[t.Train.Labels[b.index]] += math.Exp(float64(b.similarity-near[0].similarity) / p.Temperature)
			}
			yield(votes)
		}
	}
	return nil
}

type neighbour struct {
	index      int
	similarity float32
}

// nearest returns the k largest similarities, the largest first.
func nearest(similarities []float32, k int) []neighbour {
	near := make([]neighbour, 0, k+1)
	for i, s := range similarities {
		if len(near) == k && !(s > near[k-1].similarity) {
			continue // true of nearly all
		}
		place := len(near)
		for place > 0 && s > near[place-1].similarity {
			place--
		}
		near = slices.Insert(near, place, neighbour{i, s})
		near = near[:min(len(near), k)]
	}
	return near
}

// normalised returns the features with length 1; zeros stay zeros.
func normalised(f Features) []float32 {
	x := make([]float32, 0, len(f.X))
	for i := range f.Len() {
		var squares float64
		for _, v := range f.Row(i) {
			squares += float64(v) * float64(v)
		}
		scale := 1 / max(math.Sqrt(squares), 1e-12)
		for _, v := range f.Row(i) {
			x = append(x, float32(float64(v)*scale))
		}
	}
	return x
}
