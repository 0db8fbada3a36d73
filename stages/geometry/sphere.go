package geometry

import "math"

// Alignment is the mean squared distance between the L2-normalised embeddings
// of two views of the same images, the rows of a and b:
//
//	E ‖f(x) − f(y)‖²
//
// It is 0 where the views of an image have one place on the sphere, 2 where they
// are at right angles, and 4 at most.
//
// Wang & Isola, 2020, "Understanding Contrastive Representation Learning through
// Alignment and Uniformity on the Hypersphere", section 4.1.1, with α = 2,
// https://arxiv.org/abs/2005.10242.
func Alignment(a, b []float32, n, d int) float64 {
	check(a, n, d)
	check(b, n, d)
	x, y := onSphere(a, n, d), onSphere(b, n, d)
	var sum float64
	for i := range n {
		sum += distance(x[i*d:(i+1)*d], y[i*d:(i+1)*d])
	}
	return sum / float64(n)
}

// Uniformity is how evenly L2-normalised embeddings lie on the sphere, by the
// logarithm of the mean Gaussian potential of all pairs of different rows:
//
//	ln E exp(−2 ‖f(x) − f(y)‖²)
//
// It is 0 where all have one place, and the lower the more even: about −4 + 8/d
// where many are spread evenly over the sphere in d dimensions. A single
// embedding has 0. It takes time in proportion to n²·d.
//
// Wang & Isola, 2020, section 4.1.2, with t = 2. As in the paper's program no row
// is a pair with itself.
func Uniformity(x []float32, n, d int) float64 {
	check(x, n, d)
	if n == 1 {
		return 0
	}
	s := onSphere(x, n, d)
	var sum float64
	for i := range n {
		for j := range i {
			sum += math.Exp(-2 * distance(s[i*d:(i+1)*d], s[j*d:(j+1)*d]))
		}
	}
	return math.Log(sum / float64(n*(n-1)/2))
}

// onSphere returns the rows with length 1; zeros stay zeros.
func onSphere(x []float32, n, d int) []float64 {
	y := make([]float64, len(x))
	for i := range n {
		scale := 1 / max(norm(x[i*d:(i+1)*d]), 1e-12)
		for j := i * d; j < (i+1)*d; j++ {
			y[j] = float64(x[j]) * scale
		}
	}
	return y
}

// distance is the squared one.
func distance(x, y []float64) float64 {
	var sum float64
	for j, v := range x {
		sum += (v - y[j]) * (v - y[j])
	}
	return sum
}
