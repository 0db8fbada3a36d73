package evaluator

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/floats"
)

// Linear is the linear probe: multinomial logistic regression on standardised
// features, solved to convergence. How strongly weights are penalised is
// chosen on a fifth of the training images, never on the test images; then it is
// fitted on all training images.
//
// It goes through the penalties from the first to the last, each fit starting
// from the one before, and stops where the held-out cross-entropy has been
// above the least so far twice in a row: from there on, it only learns by
// heart.
type Linear struct {
	L2         []float64 // penalties, from strong to weak; see regression
	Tolerance  float64   // of the loss above its least, in nats; a fit for choosing L2 has choiceTolerance
	Iterations int       // of L-BFGS, at most, for one fit
}

// DefaultLinear is what reports call "linear".
func DefaultLinear() Linear {
	return Linear{
		L2:         []float64{1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5},
		Tolerance:  1e-8,
		Iterations: 2000,
	}
}

// choiceTolerance is enough to tell which of two penalties is better.
const choiceTolerance = 1e-4

// Name is "linear".
func (Linear) Name() string { return "linear" }

// Judge is top-1 accuracy.
func (p Linear) Judge(ctx context.Context, t Task) (Verdict, error) {
	order, fitted := holdOut(t.Train.Labels, len(t.Classes), 0)
	classes, y := compact(t.Train.Labels, order)
	scale := newScaler(t.Train)
	x := scale.apply(t.Train, order)
	columns := t.Train.Dim + 1

	w := make([]float64, len(classes)*columns)
	l2, err := p.choose(ctx, w, x, y, fitted, columns, len(classes))
	if err != nil {
		return Verdict{}, err
	}
	all := newRegression(x, y, columns, len(classes))
	s, err := all.fit(ctx, w, l2, p.Tolerance, p.Iterations)
	if err != nil {
		return Verdict{}, err
	}
	v := score(t, predict(t.Test, scale, w, classes))
	if t.Compared {
		if v.HeldOut, err = p.validate(ctx, t, scale, l2); err != nil {
			return Verdict{}, err
		}
	}
	v.Constants = map[string]string{
		"l2":             format(l2),
		"sklearn_C":      format(1 / (l2 * float64(len(y)))),
		"l2_grid":        fmt.Sprint(p.L2),
		"l2_chosen_by":   fmt.Sprintf("cross-entropy of %d held-out training images", len(y)-fitted),
		"standardised":   "by mean and deviation of the training images",
		"solver":         "L-BFGS",
		"tolerance":      format(p.Tolerance),
		"loss":           format(s.loss),
		"loss_excess":    format(s.excess),
		"iterations":     strconv.Itoa(s.iterations),
		"converged":      strconv.FormatBool(s.converged),
		"max_iterations": strconv.Itoa(p.Iterations),
	}
	return v, nil
}

// choose returns the penalty with the least held-out cross-entropy, and leaves
// the weights fitted with it in w. Where nothing is held out, each class having
// one image, it is the first of the penalties.
func (p Linear) choose(ctx context.Context, w, x []float64, y []int, fitted, columns, classes int) (l2 float64, err error) {
	if fitted == len(y) {
		return p.L2[0], nil
	}
	part, rest := newRegression(x[:fitted*columns], y[:fitted], columns, classes), newHeldOut(x[fitted*columns:], y[fitted:], columns, classes)
	best, least, worse := p.L2[0], math.Inf(1), 0
	now := slices.Clone(w)
	for _, l2 := range p.L2 {
		if _, err := part.fit(ctx, now, l2, max(p.Tolerance, choiceTolerance), p.Iterations); err != nil {
			return 0, err
		}
		if ce := rest.score(now); ce < least {
			best, least, worse = l2, ce, 0
			copy(w, now)
		} else if worse++; worse == 2 {
			break
		}
	}
	return best, nil
}

// validate is the accuracy with a penalty on training images that are held out.
func (p Linear) validate(ctx context.Context, t Task, scale scaler, l2 float64) (float64, error) {
	columns := t.Train.Dim + 1
	return validate(t.Train, len(t.Classes), func(order []int, fitted int) (int, error) {
		classes, y := compact(t.Train.Labels, order)
		x, w := scale.apply(t.Train, order), make([]float64, len(classes)*columns)
		part := newRegression(x[:fitted*columns], y[:fitted], columns, len(classes))
		if _, err := part.fit(ctx, w, l2, max(p.Tolerance, choiceTolerance), p.Iterations); err != nil {
			return 0, err
		}
		return newHeldOut(x[fitted*columns:], y[fitted:], columns, len(classes)).right(w), nil
	})
}

// compact numbers the classes that occur, so that one without training images
// is never predicted and does not keep the fit from converging: its bias would
// go to −∞. It returns their labels, and the numbers of the images in order.
func compact(labels []int32, order []int) (classes []int32, y []int) {
	classes = distinct(labels)
	y = make([]int, len(order))
	for i, k := range order {
		y[i], _ = slices.BinarySearch(classes, labels[k])
	}
	return classes, y
}

// distinct returns the labels that occur, sorted.
func distinct(labels []int32) []int32 {
	return slices.Compact(slices.Sorted(slices.Values(labels)))
}

// predict returns the class with the largest margin for each image.
func predict(f Features, s scaler, w []float64, classes []int32) []int32 {
	const block = 256 // rows, so that few are held in float64
	columns := f.Dim + 1
	dst := make([]float64, block*len(classes))
	predicted := make([]int32, 0, f.Len())
	for begin := 0; begin < f.Len(); begin += block {
		rows := make([]int, min(block, f.Len()-begin))
		for i := range rows {
			rows[i] = begin + i
		}
		margins(dst, s.apply(f, rows), w, columns, len(classes))
		for i := range rows {
			predicted = append(predicted, classes[floats.MaxIdx(dst[i*len(classes):(i+1)*len(classes)])])
		}
	}
	return predicted
}

func format(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
