package view

// solarize inverts the values at or above threshold.
func solarize(c *canvas, threshold int) {
	for _, p := range c.planes() {
		for i, v := range p {
			if int(v) >= threshold {
				p[i] = 255 - v
			}
		}
	}
}
