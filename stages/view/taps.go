package view

import "math"

// taps says of which samples each output along one axis is made: of n from
// first on, with weights of 14 bits after the point that add up to 1. There
// are pad weights for each output, those behind the n-th being 0.
type taps struct {
	n, pad int
	first  []int
	weight []int16
	wide   sixteens
}

const weightBits = 14

// lanes is of how many taps vectors take at once.
const lanes = 8

// axis is one side of a box and of what it is resized to.
type axis struct {
	at, length int  // of the box, in pixels
	step       int  // pixels to a sample
	out        int  // outputs that the box is resized to
	from, n    int  // outputs that are wanted
	reverse    bool // the last output first
}

// low and high bound the samples that show anything of the box.
func (a axis) low() int  { return a.at / a.step }
func (a axis) high() int { return (a.at + a.length + a.step - 1) / a.step }

// mirror turns the outputs round: those that were wanted from one end are now
// wanted from the other.
func (a *axis) mirror() {
	a.from, a.reverse = a.out-a.from-a.n, !a.reverse
}

// set computes the taps of PIL's BILINEAR (Resample.c): the mean of the input
// under a triangle, widened to cover all samples when the image shrinks
// (antialias). First are counted from a.low on.
//
// Products are rounded on their own, and each weight is the step of a rounded
// running sum, so that all add up.
func (t *taps) set(a axis) {
	low, high := a.low(), a.high()
	scale := float64(a.length) / float64(a.out*a.step)
	reach := max(scale, 1)
	narrow := 1 / reach
	t.n = min(high-low, int(math.Ceil(2*reach)))
	t.pad = (t.n + lanes - 1) / lanes * lanes
	t.first = grow(t.first, a.n)
	t.weight = grow(t.weight, a.n*t.pad)
	clear(t.weight)
	begin := float64(a.at)/float64(a.step) - float64(low)
	for k := range a.n {
		o := a.from + k
		if a.reverse {
			o = a.from + a.n - 1 - k
		}
		middle := begin + float64((float64(o)+0.5)*scale)
		first := min(max(0, int(math.Floor(middle-reach+0.5))), high-low-t.n)
		height := func(j int) float64 {
			return max(0, 1-float64(math.Abs(float64(first+j)+0.5-middle)*narrow))
		}
		sum := 0.0
		for j := range t.n {
			sum += height(j)
		}
		unit := (1 << weightBits) / sum
		w, running, before := t.weight[k*t.pad:][:t.n], 0.0, 0
		for j := range w {
			running += height(j)
			now := int(float64(running*unit) + 0.5)
			w[j] = int16(now - before)
			before = now
		}
		t.first[k] = first
	}
	t.arrange(a.n)
}
