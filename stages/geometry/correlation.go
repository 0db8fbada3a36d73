package geometry

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// correlationEpsilon is that of batch normalisation, as in Barlow Twins' program.
const correlationEpsilon = 1e-5

// CrossCorrelation is the correlation between every dimension of a and every
// one of b over n images, whose two views are the rows of a and b: C [d, d],
//
//	Cᵢⱼ = 1/n Σₖ âₖᵢ b̂ₖⱼ
//
// where â and b̂ have mean 0 and variance 1 in each column. Where C is the
// identity, distortions change nothing and no two dimensions say the same. Of
// independent dimensions, n images show correlations of about 1/√n. A dimension
// that does not vary has 0.
//
// Zbontar et al., 2021, "Barlow Twins", equation 2, https://arxiv.org/abs/2103.03230;
// the variance is the population's plus 1e-5, as in the authors' program.
func CrossCorrelation(a, b []float32, n, d int) []float64 {
	check(a, n, d)
	check(b, n, d)
	c := mat.NewDense(d, d, nil)
	c.Mul(mat.NewDense(n, d, standardised(a, n, d)).T(), mat.NewDense(n, d, standardised(b, n, d)))
	c.Scale(1/float64(n), c)
	return c.RawMatrix().Data
}

// Identity tells how far a cross-correlation c [d, d] is from the identity: the
// mean of its diagonal, which is 1 there, and the root mean square of all else,
// which is 0 there and where d is 1.
func Identity(c []float64, d int) (diagonal, others float64) {
	for i, v := range c {
		if i%(d+1) == 0 {
			diagonal += v / float64(d)
		} else {
			others += v * v
		}
	}
	return diagonal, math.Sqrt(others / float64(max(d*(d-1), 1)))
}

// standardised returns the embeddings with mean 0 and variance 1 in each column.
func standardised(x []float32, n, d int) []float64 {
	data, variance := centred(x, n, d), make([]float64, d)
	for i, v := range data {
		variance[i%d] += v * v / float64(n)
	}
	for i := range data {
		data[i] /= math.Sqrt(variance[i%d] + correlationEpsilon)
	}
	return data
}
