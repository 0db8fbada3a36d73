package evaluator

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// regression is multinomial logistic regression: it looks for the W
// [classes, columns] that minimises
//
//	1/n Σᵢ −ln softmax(W xᵢ)[yᵢ] + l2/2 ‖W‖²
//
// where the last column of W, which meets a 1 in every row of x, is the bias
// and not part of the norm. scikit-learn's C is 1/(l2·n).
type regression struct {
	x                []float64 // [n, columns]
	y                []int     // [n], rows of W
	columns, classes int

	curvature *mat.SymDense // second derivative of the mean loss by one class's weights, at W = 0: xᵀx / (n·classes)
	margin    []float64     // [n, classes]: work space
}

func newRegression(x []float64, y []int, columns, classes int) *regression {
	r := &regression{x: x, y: y, columns: columns, classes: classes}
	n := len(y)
	r.curvature = mat.NewSymDense(columns, nil)
	r.curvature.SymOuterK(1/float64(n*classes), mat.NewDense(n, columns, x).T())
	r.margin = make([]float64, n*classes)
	return r
}

// newHeldOut is for images that weights are tried on, and never fitted to.
func newHeldOut(x []float64, y []int, columns, classes int) *regression {
	return &regression{x: x, y: y, columns: columns, classes: classes, margin: make([]float64, len(y)*classes)}
}

// A solution tells how a fit ended.
type solution struct {
	loss       float64
	excess     float64 // over the least possible loss, as decrement estimates it
	iterations int
	converged  bool
}

// fit improves w, row-major, until its loss is within tolerance of the least,
// as decrement estimates it, or the iterations are used up.
//
// Features of a network are so much alike that plain L-BFGS takes hundreds of
// iterations. It therefore works on V = W·L, where L·Lᵀ is the second
// derivative of the loss at W = 0: there, all directions curve alike at first,
// and a quarter of the iterations does.
func (r *regression) fit(ctx context.Context, w []float64, l2, tolerance float64, iterations int) (solution, error) {
	lower, err := r.precondition(l2)
	if err != nil {
		return solution{}, err
	}
	l := lower.RawTriangular()
	start := slices.Clone(w)
	blas64.Implementation().Dtrmm(blas.Right, blas.Lower, blas.NoTrans, blas.NonUnit,
		r.classes, r.columns, 1, l.Data, l.Stride, start, r.columns)

	gradient := make([]float64, len(w))
	problem := optimize.Problem{
		// The optimiser asks for the value first, and for the gradient at the
		// same place next.
		Func: func(v []float64) float64 {
			copy(w, v)
			r.unscale(w, lower, blas.NoTrans)
			loss := r.loss(gradient, w, l2)
			r.unscale(gradient, lower, blas.Trans)
			return loss
		},
		Grad: func(grad, _ []float64) { copy(grad, gradient) },
		Status: func() (optimize.Status, error) {
			return optimize.NotTerminated, ctx.Err()
		},
	}
	result, err := optimize.Minimize(problem, start, &optimize.Settings{
		MajorIterations: iterations,
		Converger:       converger(tolerance),
	}, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return solution{}, ctx.Err()
	}
	if result == nil {
		return solution{}, err
	}
	// A line search that finds nothing better ends the fit with an error; what
	// it has is the best there is, and its gradient says how good.
	copy(w, result.X)
	r.unscale(w, lower, blas.NoTrans)
	return solution{
		loss:       result.F,
		excess:     decrement(result.Gradient),
		iterations: result.MajorIterations,
		converged:  decrement(result.Gradient) <= tolerance,
	}, nil
}

// precondition returns the lower triangle L of the second derivative at W = 0.
func (r *regression) precondition(l2 float64) (*mat.TriDense, error) {
	h := mat.NewSymDense(r.columns, nil)
	h.CopySym(r.curvature)
	for j := range r.columns - 1 {
		h.SetSym(j, j, h.At(j, j)+l2)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(h) {
		return nil, errors.New("fitting: features are not finite, or l2 is not above 0")
	}
	lower := new(mat.TriDense)
	cholesky.LTo(lower)
	return lower, nil
}

// unscale divides the rows of m by L, or by its transpose.
func (r *regression) unscale(m []float64, lower *mat.TriDense, t blas.Transpose) {
	l := lower.RawTriangular()
	blas64.Implementation().Dtrsm(blas.Right, blas.Lower, t, blas.NonUnit,
		r.classes, r.columns, 1, l.Data, l.Stride, m, r.columns)
}

// loss returns what fit minimises, and its gradient by w.
func (r *regression) loss(gradient, w []float64, l2 float64) float64 {
	n := len(r.y)
	margins(r.margin, r.x, w, r.columns, r.classes)
	loss := r.crossEntropy()
	// The margins have become n times the loss's derivatives by them.
	blas64.Implementation().Dgemm(blas.Trans, blas.NoTrans, r.classes, r.columns, n,
		1/float64(n), r.margin, r.classes, r.x, r.columns, 0, gradient, r.columns)
	for c := range r.classes {
		row := c * r.columns
		weights := w[row : row+r.columns-1]
		floats.AddScaled(gradient[row:row+len(weights)], l2, weights)
		loss += l2 / 2 * floats.Dot(weights, weights)
	}
	return loss
}

// crossEntropy is the mean of −ln softmax(margin)[y]. It leaves
// softmax(margin) − onehot(y) in place of the margins.
func (r *regression) crossEntropy() float64 {
	var sum float64
	for i, y := range r.y {
		row := r.margin[i*r.classes : (i+1)*r.classes]
		top, own := floats.Max(row), row[y]
		var total float64
		for j, m := range row {
			row[j] = math.Exp(m - top)
			total += row[j]
		}
		sum += math.Log(total) + top - own
		floats.Scale(1/total, row)
		row[y]--
	}
	return sum / float64(len(r.y))
}

// score is the mean cross-entropy of w.
func (r *regression) score(w []float64) float64 {
	margins(r.margin, r.x, w, r.columns, r.classes)
	return r.crossEntropy()
}

// accuracy is the share of rows whose largest margin is that of their class.
func (r *regression) right(w []float64) int {
	margins(r.margin, r.x, w, r.columns, r.classes)
	right := 0
	for i, y := range r.y {
		if floats.MaxIdx(r.margin[i*r.classes:(i+1)*r.classes]) == y {
			right++
		}
	}
	return right
}

// margins are the rows of x times the rows of w, [n, classes].
func margins(dst, x, w []float64, columns, classes int) {
	n := len(x) / columns
	blas64.Implementation().Dgemm(blas.NoTrans, blas.Trans, n, classes, columns,
		1, x, columns, w, columns, 0, dst, classes)
}

// decrement estimates how far a loss is above its least: half the squared
// gradient, in the coordinates of fit, is what Newton's method would gain with
// the second derivative at W = 0. Where the fit is confident the loss curves
// less than that, and a few times as much may be left.
func decrement(gradient []float64) float64 { return floats.Dot(gradient, gradient) / 2 }

// converger ends an optimisation whose decrement is small enough.
type converger float64

func (converger) Init(int) {}

func (c converger) Converged(at *optimize.Location) optimize.Status {
	if decrement(at.Gradient) <= float64(c) {
		return optimize.GradientThreshold
	}
	return optimize.NotTerminated
}
