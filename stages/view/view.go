// Package view turns an image into the views of it that a recipe asks for:
// random crops, distorted.
//
// A view is a pure function of pixels, recipe and random key, and has the same
// bits on every machine. So operations compute in integers, or in floats of
// which each result is rounded by IEEE 754's rules: no fused multiply-add (Go
// forbids it across a conversion such as float32(a*b)), and no math.Exp, Log or
// Pow, which are written in assembly for some processors.
//
// Each operation has a file of its own; draw.go decides what happens to a view
// and render.go carries it out, in torchvision's order. Pixels are PIL's.
package view
