package view

// flip mirrors left and right.
func flip(img *RGB) {
	for y := range img.H {
		row := img.Pix[3*img.W*y:][:3*img.W]
		for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
			a, b := row[i:i+3:i+3], row[j:j+3:j+3]
			a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
		}
	}
}
