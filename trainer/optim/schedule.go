package optim

import "math"

// Schedule is the learning rate of every step: linear warm-up, then half a
// cosine.
//
// As in lightly's CosineWarmupScheduler no step is wasted on a rate of 0: the
// first step has Peak/Warmup, the last of the warm-up and the one after it
// have Peak, and the last of all has Final.
type Schedule struct {
	Peak, Final   float64
	Warmup, Steps int // steps; Warmup counts among Steps
}

// At is the learning rate of a step, from 0. After the last step it stays.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Peak * float64(step+1) / float64(s.Warmup)
	}
	progress := Progress(step-s.Warmup, s.Steps-s.Warmup)
	return s.Final + (s.Peak-s.Final)*(1+math.Cos(math.Pi*progress))/2
}

// Progress is 0 at the first of the steps, 0, and 1 at the last, steps−1, and
// after it. A single step is the last one.
func Progress(step, steps int) float64 {
	if step >= steps-1 {
		return 1
	}
	return float64(step) / float64(steps-1)
}
