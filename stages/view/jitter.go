package view

import (
	"selfstream/schemas"
	"selfstream/stages/random"
)

// The adjustments of colour jitter, as Drawn.Order numbers them.
const (
	brightness = iota
	contrast
	saturation
	hue
)

// drawJitter draws the factors and the order of torchvision's ColorJitter.
func (d *Drawn) drawJitter(j schemas.Jitter, key random.Key) {
	factor := func(i uint64, strength float64) float64 {
		return key.Uniform(i, max(0, 1-strength), 1+strength)
	}
	d.Brightness = factor(1, j.Brightness)
	d.Contrast = factor(2, j.Contrast)
	d.Saturation = factor(3, j.Saturation)
	d.Hue = key.Uniform(4, -j.Hue, j.Hue)
	key.Fold(0).Permute(d.Order[:])
}

// jitter adjusts the colours of c. Values are rounded to 8 bits after each
// adjustment, as PIL does.
func (d *Drawn) jitter(c *canvas) {
	for _, adjustment := range d.Order {
		switch {
		case adjustment == brightness && d.Brightness != 1:
			adjustBrightness(c, float32(d.Brightness))
		case adjustment == contrast && d.Contrast != 1:
			adjustContrast(c, float32(d.Contrast))
		case adjustment == saturation && d.Saturation != 1:
			saturate(c.r, c.g, c.b, float32(d.Saturation))
		case adjustment == hue && d.Hue != 0:
			adjustHue(c, d.Hue)
		}
	}
}

// adjustBrightness blends with black.
func adjustBrightness(c *canvas, factor float32) {
	for _, p := range c.planes() {
		blendAll(p, 0, factor)
	}
}

// adjustContrast blends with the mean of the grey image.
func adjustContrast(c *canvas, factor float32) {
	sum, n := sumLuma(c.r, c.g, c.b), c.w*c.h
	for _, p := range c.planes() {
		blendAll(p, uint8((2*sum+n)/(2*n)), factor)
	}
}

// blendAllLoops blends a plane with one value.
func blendAllLoops(plane []uint8, with uint8, factor float32) {
	var table [256]uint8
	for v := range table {
		table[v] = blend(with, uint8(v), factor)
	}
	for i, v := range plane {
		plane[i] = table[v]
	}
}

// saturateLoops blends with the grey image.
func saturateLoops(r, g, b []uint8, factor float32) {
	for i := range r {
		l := luma(r[i], g[i], b[i])
		r[i], g[i], b[i] = blend(l, r[i], factor), blend(l, g[i], factor), blend(l, b[i], factor)
	}
}

func sumLumaLoops(r, g, b []uint8) (sum int) {
	for i := range r {
		sum += int(luma(r[i], g[i], b[i]))
	}
	return sum
}

// blend is a + factor·(b−a) in single precision, cut to 8 bits: PIL's Blend.c.
func blend(a, b uint8, factor float32) uint8 {
	// The product is rounded on its own: a fused multiply-add would give other
	// bits on other processors.
	x := float32(a) + float32(factor*(float32(b)-float32(a)))
	return uint8(min(max(x, 0), 255))
}
