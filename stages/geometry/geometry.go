// Package geometry turns a set of embeddings into figures that need no labels:
// how evenly they spread over the sphere, and over how many dimensions.
//
// Embeddings are the rows of an [n, d] matrix, x[i*d : (i+1)*d]. A value that
// is not finite makes every figure NaN.
package geometry

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Std is the standard deviation of each dimension of the L2-normalised
// embeddings, averaged over the dimensions. It is 0 where all embeddings point
// the same way (a collapsed encoder), and close to 1/√d where they spread
// evenly over the sphere.
//
// Chen & He, 2020, "Exploring Simple Siamese Representation Learning", section
// 4.1, https://arxiv.org/abs/2011.10566. The variance is the unbiased one, as
// in PyTorch; a single embedding has 0.
func Std(x []float32, n, d int) float64 {
	check(x, n, d)
	mean, squares := make([]float64, d), make([]float64, d) // running, by Welford
	for i := range n {
		row := x[i*d : (i+1)*d]
		scale := 1 / max(norm(row), 1e-12)
		for j, v := range row {
			v := float64(v) * scale
			delta := v - mean[j]
			mean[j] += delta / float64(i+1)
			squares[j] += delta * (v - mean[j])
		}
	}
	var sum float64
	for _, s := range squares {
		sum += math.Sqrt(s / float64(max(n-1, 1)))
	}
	return sum / float64(d)
}

// RankMe is the effective rank of the embeddings, between 1 and min(n, d): the
// exponential of the entropy of the singular values,
//
//	exp(−Σₖ pₖ ln pₖ), pₖ = σₖ / Σⱼ σⱼ
//
// of the embeddings as they are, neither centred nor normalised. All-zero
// embeddings have rank 0. It takes 0.4 s for 2,400 embeddings of 512 dimensions
// on one core, and grows with n·d·min(n, d).
//
// Garrido et al., 2023, https://arxiv.org/abs/2210.02885, equation 1, without
// the paper's ε, which it adds to pₖ to avoid ln 0: here 0 · ln 0 is 0.
func RankMe(x []float32, n, d int) float64 {
	check(x, n, d)
	data := make([]float64, len(x))
	for i, v := range x {
		data[i] = float64(v)
	}
	sigma := singularValues(data, n, d)
	var sum, entropy float64
	for _, s := range sigma {
		sum += s
	}
	if sum == 0 {
		return 0
	}
	for _, s := range sigma {
		if p := s / sum; p != 0 { // NaN passes
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy)
}

// singularValues of x, the largest first; NaN if x is not finite, where the
// solver would not return.
func singularValues(x []float64, n, d int) []float64 {
	var svd mat.SVD
	if !finite(x) || !svd.Factorize(mat.NewDense(n, d, x), mat.SVDNone) {
		return []float64{math.NaN()}
	}
	return svd.Values(nil)
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

func norm(row []float32) float64 {
	var sum float64
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func check(x []float32, n, d int) {
	if n < 1 || d < 1 || len(x) != n*d {
		panic("geometry: length of x is not n·d, or n or d is below 1")
	}
}
