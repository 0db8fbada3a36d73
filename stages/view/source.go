package view

// Plane is a rectangle of one colour's samples, in rows from top to bottom.
type Plane struct {
	Pix          []uint8 // W·H samples
	X, Y         int     // place of the first among all samples of the image
	W, H         int
	StepX, StepY int // pixels that lie under one sample
}
