package evaluator

import "math"

// scaler standardises features: mean 0 and variance 1 over the images that it
// was made from.
type scaler struct{ mean, factor []float64 }

func newScaler(f Features) scaler {
	n := float64(f.Len())
	s := scaler{make([]float64, f.Dim), make([]float64, f.Dim)}
	for i := range f.Len() {
		for j, v := range f.Row(i) {
			s.mean[j] += float64(v) / n
		}
	}
	for i := range f.Len() {
		for j, v := range f.Row(i) {
			d := float64(v) - s.mean[j]
			s.factor[j] += d * d / n
		}
	}
	for j, variance := range s.factor {
		deviation := math.Sqrt(variance)
		if deviation <= 1e-6*math.Abs(s.mean[j]) {
			s.factor[j] = 0 // a constant, but for rounding: it says nothing
		} else {
			s.factor[j] = 1 / deviation
		}
	}
	return s
}

// apply returns the given rows of f, standardised, each followed by a 1 for
// the bias.
func (s scaler) apply(f Features, rows []int) []float64 {
	x := make([]float64, 0, len(rows)*(f.Dim+1))
	for _, i := range rows {
		for j, v := range f.Row(i) {
			x = append(x, (float64(v)-s.mean[j])*s.factor[j])
		}
		x = append(x, 1)
	}
	return x
}

// unscaled leaves features as they are.
func unscaled(dim int) scaler {
	s := scaler{make([]float64, dim), make([]float64, dim)}
	for i := range s.factor {
		s.factor[i] = 1
	}
	return s
}
