// Package view makes views of images: crops and distortions, pure functions of
// pixels, recipe and random key.
package view
