package evaluator

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"selfstream/stages/random"
)

// TestRegressionGradient compares with differences of the loss.
func TestRegressionGradient(t *testing.T) {
	r, w := sineRegression()
	gradient := make([]float64, len(w))
	r.loss(gradient, w, 0.3)
	scratch := make([]float64, len(w))
	const h = 1e-5
	for i := range w {
		up, down := slices.Clone(w), slices.Clone(w)
		up[i] += h
		down[i] -= h
		want := (r.loss(scratch, up, 0.3) - r.loss(scratch, down, 0.3)) / (2 * h)
		if have := gradient[i]; math.Abs(have-want) > 1e-8 {
			t.Errorf("element %d: have %.10f, want %.10f", i, have, want)
		}
	}
}

// sineRegression has 60 rows of 4 features and 3 classes, and weights that are
// not the best.
func sineRegression() (*regression, []float64) {
	const n, columns, classes = 60, 5, 3
	var x []float64
	var y []int
	for i := range n {
		for j := range columns - 1 {
			x = append(x, math.Sin(float64(1+3*i+7*j*j)))
		}
		x = append(x, 1)
		y = append(y, (i*i/7+i)%classes)
	}
	w := make([]float64, classes*columns)
	for i := range w {
		w[i] = math.Cos(float64(i))
	}
	return newRegression(x, y, columns, classes), w
}

// TestRegressionAgainstScikitLearn has the losses at the minimum that
// scikit-learn 1.2.1 finds: LogisticRegression(C=1/(60*l2), solver="newton-cg"),
// its mean cross-entropy plus the penalty.
func TestRegressionAgainstScikitLearn(t *testing.T) {
	for _, tc := range []struct {
		l2, loss, weight float64 // weight: of class 0 for feature 0
	}{
		{1, 1.0393231833, 0.0124413},
		{0.1, 0.9874391108, -0.0266744},
		{0.01, 0.9121949960, -0.1838478},
		{0.001, 0.8847202599, -0.2773334},
	} {
		r, w := sineRegression()
		s, err := r.fit(context.Background(), w, tc.l2, 1e-16, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(s.loss-tc.loss) > 1e-9 || math.Abs(w[0]-tc.weight) > 1e-6 {
			t.Errorf("l2 %g: have loss %.10f and weight %.7f, want %.10f and %.7f", tc.l2, s.loss, w[0], tc.loss, tc.weight)
		}
	}
}

func TestRegressionSaysHowItEnded(t *testing.T) {
	r, w := sineRegression()
	start := slices.Clone(w)
	s, err := r.fit(context.Background(), w, 1e-3, 1e-12, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s.converged || s.iterations != 2 {
		t.Errorf("2 iterations: have %+v, want 2 that did not converge", s)
	}
	if s, err = r.fit(context.Background(), w, 1e-3, 1e-12, 1000); err != nil {
		t.Fatal(err)
	}
	if !s.converged || s.excess > 1e-12 {
		t.Errorf("1000 iterations: have %+v, want converged", s)
	}
	scratch := make([]float64, len(w))
	if before, after := r.loss(scratch, start, 1e-3), r.loss(scratch, w, 1e-3); after != s.loss || after >= before {
		t.Errorf("loss: have %g of %g, want the reported %g", after, before, s.loss)
	}
}

func TestRegressionStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, w := sineRegression()
	if _, err := r.fit(ctx, w, 0.1, 0, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v, want %v", err, context.Canceled)
	}
}

// gaussians draws n images of each class around its mean, with variance 1.
func gaussians(key random.Key, n int, means [][]float32) Features {
	f := Features{Dim: len(means[0])}
	for c, mean := range means {
		for i := range n {
			row := key.Fold(uint64(c)).Fold(uint64(i))
			for j, m := range mean {
				f.X = append(f.X, m+float32(row.Normal(uint64(j))))
			}
			f.Labels = append(f.Labels, int32(c))
		}
	}
	return f
}
