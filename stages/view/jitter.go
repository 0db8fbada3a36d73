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

// recolor carries out the jitter and takes the colour away, in one pass, or in
// two, as contrast must know the mean of what is there when its turn comes.
func (d *Drawn) recolor(c *canvas) {
	var room [5]change
	todo := room[:0]
	for _, adjustment := range d.Order {
		switch {
		case adjustment == brightness && d.Brightness != 1:
			todo = append(todo, change{kind: blendGrey, factor: float32(d.Brightness)})
		case adjustment == contrast && d.Contrast != 1:
			sum, n := recolor(c.r, c.g, c.b, append(todo, change{kind: sumLuma})), c.w*c.h
			todo = append(room[:0], change{kind: blendGrey, factor: float32(d.Contrast), with: uint8((2*sum + n) / (2 * n))})
		case adjustment == saturation && d.Saturation != 1:
			todo = append(todo, change{kind: blendLuma, factor: float32(d.Saturation)})
		case adjustment == hue && d.Hue != 0:
			// As in torchvision on PIL images, hue and saturation are cut to 8 bits on
			// the way.
			todo = append(todo, change{kind: turnHue, turn: uint8(int(d.Hue * 255))})
		}
	}
	if d.Gray {
		todo = append(todo, change{kind: toGray})
	}
	if len(todo) > 0 {
		recolor(c.r, c.g, c.b, todo)
	}
}
