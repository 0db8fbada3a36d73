package geometry

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Spectrum is the share of the embeddings' variance along each principal
// component, the largest first: min(n, d) values that add up to 1. All are 0
// where the embeddings do not vary, and it is a single NaN where one of them is
// not finite. In a collapsed encoder a few components have all of it.
//
// Jing et al., 2022, "Understanding Dimensional Collapse in Contrastive
// Self-supervised Learning", section 3, https://arxiv.org/abs/2110.09348, show
// the logarithms of the same values.
func Spectrum(x []float32, n, d int) []float64 {
	check(x, n, d)
	return shares(singularValues(centred(x, n, d), n, d))
}

// Map lays embeddings out in a plane: [n, 2], their first two principal
// components, with the share of the variance that each of these has. A component
// that does not exist, as where d is 1, is 0. The sign of a component is the one
// that makes its largest weight positive. All are 0 where an embedding is not
// finite.
func Map(x []float32, n, d int) (places []float32, share [2]float64) {
	check(x, n, d)
	places = make([]float32, 2*n)
	data := centred(x, n, d)
	if !finite(data) {
		return places, share
	}
	m := mat.NewDense(n, d, data)
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDThin) {
		return places, share
	}
	var v mat.Dense
	svd.VTo(&v)
	for c, s := range shares(svd.Values(nil)) {
		if c == 2 {
			break
		}
		share[c] = s
		axis := mat.Col(nil, c, &v)
		largest := 0
		for j, w := range axis {
			if math.Abs(w) > math.Abs(axis[largest]) {
				largest = j
			}
		}
		sign := math.Copysign(1, axis[largest])
		for i := range n {
			places[2*i+c] = float32(sign * mat.Dot(m.RowView(i), mat.NewVecDense(d, axis)))
		}
	}
	return places, share
}

// shares are squares, divided by their sum.
func shares(sigma []float64) []float64 {
	var sum float64
	for i, s := range sigma {
		sigma[i] = s * s
		sum += sigma[i]
	}
	for i := range sigma {
		if sum != 0 { // NaN passes
			sigma[i] /= sum
		}
	}
	return sigma
}

// centred returns the embeddings with mean 0.
func centred(x []float32, n, d int) []float64 {
	mean := make([]float64, d)
	for i, v := range x {
		mean[i%d] += float64(v) / float64(n)
	}
	data := make([]float64, len(x))
	for i, v := range x {
		data[i] = float64(v) - mean[i%d]
	}
	return data
}
