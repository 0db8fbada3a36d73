package tsne

import "math"

// affinities are the probabilities p_ij that points i and j are neighbours: [n,
// n], symmetric, 1 together, 0 on the diagonal.
func affinities(x []float32, n, d int, perplexity float64) []float64 {
	p := make([]float64, n*n)
	distances := make([]float64, n)
	for i := range n {
		for j := range n {
			distances[j] = squared(x[i*d:(i+1)*d], x[j*d:(j+1)*d])
		}
		conditional(p[i*n:(i+1)*n], distances, i, perplexity)
	}
	for i := range n {
		for j := range i {
			both := (p[i*n+j] + p[j*n+i]) / float64(2*n)
			p[i*n+j], p[j*n+i] = both, both
		}
	}
	return p
}

func squared(a, b []float32) (sum float64) {
	for k, v := range a {
		d := float64(v) - float64(b[k])
		sum += d * d
	}
	return sum
}

// conditional fills p with p_j|i, equation 1: a Gaussian about point self of
// that perplexity, by bisection of its precision. Where more points than that
// are equally near, it is these, all alike.
func conditional(p, distances []float64, self int, perplexity float64) {
	const tries, close = 64, 1e-6
	nearest, mean := math.Inf(1), 0.
	for j, d := range distances {
		if j != self {
			nearest, mean = min(nearest, d), mean+d/float64(len(distances)-1)
		}
	}
	precision, lo, hi := 1., 0., math.Inf(1)
	if mean > 0 {
		precision = 1 / mean
	}
	for range tries {
		entropy := gaussian(p, distances, self, nearest, precision)
		switch over := entropy - math.Log(perplexity); {
		case math.Abs(over) < close:
			return
		case over > 0:
			lo = precision
		default:
			hi = precision
		}
		if precision = (lo + hi) / 2; math.IsInf(hi, 1) {
			precision = 2 * lo
		}
	}
}

// gaussian fills p for a precision, and returns its entropy in nats. Distances
// count from the nearest, so that none of the weights of near points is 0.
func gaussian(p, distances []float64, self int, nearest, precision float64) (entropy float64) {
	var sum, moment float64
	for j, d := range distances {
		p[j] = 0
		if j != self {
			p[j] = math.Exp(-precision * (d - nearest))
			sum += p[j]
			moment += p[j] * (d - nearest)
		}
	}
	if sum == 0 { // a point by itself
		return 0
	}
	for j := range p {
		p[j] /= sum
	}
	return math.Log(sum) + precision*moment/sum
}
