package schemas

import "math"

// View is one random crop and what happens to it, in the order of the fields.
// Each distortion happens with its own probability P, as in torchvision.
type View struct {
	Size     int      `json:"size"` // side of the result, in pixels
	Crop     Crop     `json:"crop"`
	Flip     float64  `json:"flip,omitempty"` // probability of mirroring left and right
	Jitter   Jitter   `json:"jitter,omitzero"`
	Gray     float64  `json:"gray,omitempty"` // probability of losing colour
	Blur     Blur     `json:"blur,omitzero"`
	Solarize Solarize `json:"solarize,omitzero"`
}

// Crop is torchvision's RandomResizedCrop: a box of a random share of the
// image's area and a random aspect ratio (log-uniform), at a random place.
type Crop struct {
	ScaleMin float64 `json:"scale_min"` // share of the area, above 0
	ScaleMax float64 `json:"scale_max"` // at most 1
	RatioMin float64 `json:"ratio_min"` // width over height; 3/4 as a rule
	RatioMax float64 `json:"ratio_max"` // 4/3 as a rule
}

// Jitter is torchvision's ColorJitter: four factors, each drawn uniformly
// (brightness b from [max(0, 1−b), 1+b], contrast and saturation alike, hue h
// from [−h, h] turns), applied in random order.
type Jitter struct {
	P          float64 `json:"p,omitempty"`
	Brightness float64 `json:"brightness,omitempty"`
	Contrast   float64 `json:"contrast,omitempty"`
	Saturation float64 `json:"saturation,omitempty"`
	Hue        float64 `json:"hue,omitempty"` // at most 0.5
}

// Blur is a Gaussian blur with a standard deviation drawn uniformly, in pixels.
type Blur struct {
	P        float64 `json:"p,omitempty"`
	SigmaMin float64 `json:"sigma_min,omitempty"`
	SigmaMax float64 `json:"sigma_max,omitempty"`
}

// Solarize inverts the values at or above Threshold.
type Solarize struct {
	P         float64 `json:"p,omitempty"`
	Threshold int     `json:"threshold,omitempty"` // 0 to 256; 128 as a rule
}

func (v View) validate() error {
	if err := checkSize(v.Size); err != nil {
		return err
	}
	if err := v.Crop.validate(); err != nil {
		return err
	}
	switch {
	case !(0 <= v.Jitter.Hue && v.Jitter.Hue <= 0.5):
		return invalid("hue: have %g, want 0 to 0.5", v.Jitter.Hue)
	case !(0 <= v.Blur.SigmaMin && v.Blur.SigmaMin <= v.Blur.SigmaMax && v.Blur.SigmaMax <= 64):
		return invalid("blur sigma: have %g to %g, want 0 ≤ min ≤ max ≤ 64", v.Blur.SigmaMin, v.Blur.SigmaMax)
	case v.Blur.P > 0 && v.Blur.SigmaMin == 0:
		return invalid("blur sigma: have a minimum of 0, want above 0")
	case v.Solarize.Threshold < 0 || v.Solarize.Threshold > 256:
		return invalid("solarize threshold: have %d, want 0 to 256", v.Solarize.Threshold)
	}
	if err := checkProbabilities([]probability{
		{"flip", v.Flip}, {"jitter", v.Jitter.P}, {"gray", v.Gray}, {"blur", v.Blur.P}, {"solarize", v.Solarize.P},
	}); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		x    float64
	}{{"brightness", v.Jitter.Brightness}, {"contrast", v.Jitter.Contrast}, {"saturation", v.Jitter.Saturation}} {
		if !(0 <= f.x && f.x <= 16) {
			return invalid("%s: have %g, want 0 to 16", f.name, f.x)
		}
	}
	return nil
}

func (c Crop) validate() error {
	switch {
	case !(0 < c.ScaleMin && c.ScaleMin <= c.ScaleMax && c.ScaleMax <= 1):
		return invalid("crop scale: have %g to %g, want 0 < min ≤ max ≤ 1", c.ScaleMin, c.ScaleMax)
	case !(0 < c.RatioMin && c.RatioMin <= c.RatioMax) || math.IsInf(c.RatioMax, 0):
		return invalid("crop ratio: have %g to %g, want 0 < min ≤ max", c.RatioMin, c.RatioMax)
	}
	return nil
}
