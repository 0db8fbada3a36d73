package chart

import (
	"math"
	"strconv"
)

// Axis is one direction of a chart.
type Axis struct {
	Label    string
	Percent  bool    // values are shares of 1
	From, To float64 // reached at least; the data may reach further
}

// scale maps values to places on a line.
type scale struct {
	axis     Axis
	min, max float64 // values at the ends
	from, to float64 // places of the ends
	step     float64 // between ticks
}

// newScale takes in all values and rounds outwards to ticks, of which there are
// about count.
func newScale(a Axis, count int, values []float64) scale {
	lo, hi := math.Inf(1), math.Inf(-1)
	if a.From < a.To {
		lo, hi = a.From, a.To
	}
	for _, v := range values {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	if lo == hi {
		spread := max(math.Abs(lo)*0.1, 1e-9)
		lo, hi = lo-spread, hi+spread
	}
	step := niceStep((hi - lo) / float64(count))
	return scale{axis: a, min: math.Floor(lo/step+1e-6) * step, max: math.Ceil(hi/step-1e-6) * step, step: step}
}

// exact makes the scale end where the values do.
func (s scale) exact(lo, hi float64) scale {
	if lo < hi {
		s.min, s.max = lo, hi
	}
	return s
}

// niceStep is the least of 1, 2 and 5 times a power of ten that is not below x.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= x*(1-1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

func (s scale) at(v float64) float64 {
	return s.from + (v-s.min)/(s.max-s.min)*(s.to-s.from)
}

// ticks are the round values on the scale.
func (s scale) ticks() []float64 {
	var all []float64
	for i := math.Ceil(s.min/s.step - 1e-9); i*s.step <= s.max+s.step*1e-9; i++ {
		all = append(all, i*s.step+0) // no −0
	}
	return all
}

// text is a value beside its tick.
func (s scale) text(v float64) string {
	step := s.step
	if s.axis.Percent {
		v, step = 100*v, 100*step
	}
	if step >= 1000 && math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v/1000, 'g', 6, 64) + "k"
	}
	if v == 0 || step >= 1e-4 {
		digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
		return strconv.FormatFloat(v, 'f', digits, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// caption is the axis in words.
func (s scale) caption() string {
	if s.axis.Percent {
		return s.axis.Label + " (%)"
	}
	return s.axis.Label
}

// frame draws the axes of a chart and returns the scales in their places.
func (s *svg) frame(x, y scale, in box) (scale, scale) {
	wide := 0.0
	for _, v := range y.ticks() {
		wide = max(wide, lengthOf(y.text(v)))
	}
	in.left += wide + gap
	in.top += line + gap
	in.bottom -= 2*line + gap
	x.from, x.to, y.from, y.to = in.left, in.right, in.bottom, in.top
	s.add(`<text class="label" x="%v" y="%v">%v</text>`, in.left-wide-gap, in.top-line/2-gap/2, y.caption())
	for _, v := range y.ticks() {
		s.add(`<path class="grid" d="M%v %vH%v"/>`, x.from, y.at(v), x.to)
		s.add(`<text class="tick" x="%v" y="%v" text-anchor="end">%v</text>`, x.from-gap, y.at(v)+4, y.text(v))
	}
	for _, v := range x.ticks() {
		anchor := "middle"
		s.add(`<path class="grid" d="M%v %vv4"/>`, x.at(v), y.from)
		s.add(`<text class="tick" x="%v" y="%v" text-anchor="%v">%v</text>`, x.at(v), y.from+line, anchor, x.text(v))
	}
	s.add(`<text class="label" x="%v" y="%v" text-anchor="middle">%v</text>`, (x.from+x.to)/2, y.from+2*line+1, x.caption())
	return x, y
}
