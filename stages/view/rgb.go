package view

// RGB is an image of 8 bits a channel: rows from top to bottom without gaps,
// three bytes a pixel, so len(Pix) is 3·W·H.
type RGB struct {
	W, H int
	Pix  []uint8
}

// NewRGB returns a black image.
func NewRGB(w, h int) *RGB { return &RGB{W: w, H: h, Pix: make([]uint8, 3*w*h)} }
