// Package decode turns the bytes of an image file into RGB pixels.
package decode
