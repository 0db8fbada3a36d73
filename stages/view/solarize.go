package view

// solarize inverts the values at or above threshold.
func solarize(img *RGB, threshold int) {
	for i, v := range img.Pix {
		if int(v) >= threshold {
			img.Pix[i] = 255 - v
		}
	}
}
