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
	copy(d.Order[:], key.Fold(0).Perm(len(d.Order)))
}

// jitter adjusts the colours of img. Values are rounded to 8 bits after each
// adjustment, as PIL does.
func (d *Drawn) jitter(img *RGB) {
	for _, adjustment := range d.Order {
		switch {
		case adjustment == brightness && d.Brightness != 1:
			adjustBrightness(img, float32(d.Brightness))
		case adjustment == contrast && d.Contrast != 1:
			adjustContrast(img, float32(d.Contrast))
		case adjustment == saturation && d.Saturation != 1:
			adjustSaturation(img, float32(d.Saturation))
		case adjustment == hue && d.Hue != 0:
			adjustHue(img, d.Hue)
		}
	}
}

// adjustBrightness blends with black.
func adjustBrightness(img *RGB, factor float32) { blendAll(img, 0, factor) }

// adjustContrast blends with the mean of the grey image.
func adjustContrast(img *RGB, factor float32) {
	sum, n := 0, img.W*img.H
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		sum += int(luma(p[0], p[1], p[2]))
	}
	blendAll(img, uint8((2*sum+n)/(2*n)), factor)
}

// adjustSaturation blends with the grey image.
func adjustSaturation(img *RGB, factor float32) {
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		l := luma(p[0], p[1], p[2])
		p[0], p[1], p[2] = blend(l, p[0], factor), blend(l, p[1], factor), blend(l, p[2], factor)
	}
}

// blendAll blends all of img with one value.
func blendAll(img *RGB, with uint8, factor float32) {
	var table [256]uint8
	for v := range table {
		table[v] = blend(with, uint8(v), factor)
	}
	for i, v := range img.Pix {
		img.Pix[i] = table[v]
	}
}

// blend is a + factor·(b−a) in single precision, cut to 8 bits: PIL's Blend.c.
func blend(a, b uint8, factor float32) uint8 {
	// The product is rounded on its own: a fused multiply-add would give other
	// bits on other processors.
	x := float32(a) + float32(factor*(float32(b)-float32(a)))
	return uint8(min(max(x, 0), 255))
}
