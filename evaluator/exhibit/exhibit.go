// Package exhibit turns a look at the features of a snapshot into a small file
// and back: a map of some images, their nearest neighbours, and what a probe
// took for what. docs/exhibits.md describes it.
package exhibit

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"selfstream/schemas/safetensors"
)

// Exhibit shows N images, and the images that are nearest to them. N is at most
// a few hundred, so that an exhibit weighs a few hundred KB.
type Exhibit struct {
	Run     string
	Step    int
	Classes []string // names of the labels; none where there are no labels

	Keys   []string // of all images, in the bucket "datasets": first the N, then further neighbours
	Labels []int32  // of all images, −1 without
	Sheet  Sheet    // all images

	Map      []float32 // [N, 2]: principal components of the features
	Variance []float32 // [2]: the share of the variance that each of them has

	TSNE       []float32 // [N, 2]: another map of them; none in what older evaluators have kept
	Perplexity float64   // of that one

	K          int       // neighbours of each
	Neighbours []int32   // [N, K]: the nearest images to learn from, the nearest first
	Similarity []float32 // [N, K]: cosines of their features

	Predicted []int32   // [N]: classes, by the probe that is quoted; none without labels
	Confusion []int32   // [classes, classes]: test images by class and by predicted class; none without labels, or with more than MaxConfused classes
	Spectrum  []float32 // shares of the variance of the features by dimension, the largest first

	Correlation []float32 // [D, D]: cross-correlation of some dimensions of the embedding between two views; none unless the method has two
}

// MaxConfused is how many classes a confusion matrix may have.
const MaxConfused = 200

// Sheet is a JPEG of square tiles, row by row.
type Sheet struct {
	JPEG    []byte
	Tile    int // side in pixels
	Columns int
}

// N is the number of images on the map.
func (e *Exhibit) N() int { return len(e.Map) / 2 }

// ErrInvalid is wrapped by the errors of files that are no exhibits.
var ErrInvalid = errors.New("invalid exhibit")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Validate checks that everything fits together. It wraps ErrInvalid.
func (e *Exhibit) Validate() error {
	n, m, c := e.N(), len(e.Keys), len(e.Classes)
	switch {
	case n > m || len(e.Map) != 2*n:
		return invalid("have a map of %d numbers for %d images", len(e.Map), m)
	case len(e.Labels) != m:
		return invalid("have %d labels for %d images", len(e.Labels), m)
	case len(e.TSNE) != 0 && len(e.TSNE) != 2*n:
		return invalid("have a second map of %d numbers for %d images", len(e.TSNE), n)
	case len(e.Variance) != 2:
		return invalid("have %d variances, want 2", len(e.Variance))
	case e.K < 0 || len(e.Neighbours) != n*e.K || len(e.Similarity) != n*e.K:
		return invalid("have %d neighbours and %d similarities for %d images, want %d each", len(e.Neighbours), len(e.Similarity), n, e.K)
	case len(e.Predicted) != 0 && len(e.Predicted) != n:
		return invalid("have %d predictions for %d images", len(e.Predicted), n)
	case len(e.Confusion) != 0 && (c > MaxConfused || len(e.Confusion) != c*c):
		return invalid("have %d confusions of %d classes", len(e.Confusion), c)
	case square(len(e.Correlation)) < 0:
		return invalid("have %d correlations, want a square of them", len(e.Correlation))
	case e.Sheet.Tile < 1 || e.Sheet.Columns < 1:
		return invalid("have %d columns of tiles of %d pixels", e.Sheet.Columns, e.Sheet.Tile)
	}
	for _, list := range []struct {
		name     string
		values   []int32
		min, max int
	}{{"label", e.Labels, -1, c - 1}, {"prediction", e.Predicted, 0, c - 1}, {"neighbour", e.Neighbours, 0, m - 1}} {
		for _, v := range list.values {
			if int(v) < list.min || int(v) > list.max {
				return invalid("%s: have %d, want %d to %d", list.name, v, list.min, list.max)
			}
		}
	}
	return nil
}

// square is the side of a square matrix with that many elements, or −1.
func square(n int) int {
	if d := int(math.Sqrt(float64(n))); d*d == n {
		return d
	}
	return -1
}

// MarshalBinary packs e.
func (e *Exhibit) MarshalBinary() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	classes, err := json.Marshal(append([]string{}, e.Classes...))
	if err != nil {
		return nil, fmt.Errorf("packing classes: %w", err)
	}
	keys, err := json.Marshal(append([]string{}, e.Keys...))
	if err != nil {
		return nil, fmt.Errorf("packing keys: %w", err)
	}
	f := safetensors.File{Metadata: map[string]string{
		"run": e.Run, "step": strconv.Itoa(e.Step), "classes": string(classes), "keys": string(keys),
		"tile": strconv.Itoa(e.Sheet.Tile), "columns": strconv.Itoa(e.Sheet.Columns),
	}}
	n, c := e.N(), len(e.Classes)
	f.Tensors = []safetensors.Tensor{
		safetensors.FromInt32s("labels", []int{len(e.Labels)}, e.Labels),
		safetensors.FromFloat32s("map", []int{n, 2}, e.Map),
		safetensors.FromFloat32s("variance", []int{2}, e.Variance),
		safetensors.FromInt32s("neighbours", []int{n, e.K}, e.Neighbours),
		safetensors.FromFloat32s("similarity", []int{n, e.K}, e.Similarity),
		safetensors.FromFloat32s("spectrum", []int{len(e.Spectrum)}, e.Spectrum),
	}
	if len(e.TSNE) > 0 {
		f.Metadata["perplexity"] = strconv.FormatFloat(e.Perplexity, 'g', -1, 64)
		f.Tensors = append(f.Tensors, safetensors.FromFloat32s("tsne", []int{n, 2}, e.TSNE))
	}
	if len(e.Predicted) > 0 {
		f.Tensors = append(f.Tensors, safetensors.FromInt32s("predicted", []int{n}, e.Predicted))
	}
	if len(e.Confusion) > 0 {
		f.Tensors = append(f.Tensors, safetensors.FromInt32s("confusion", []int{c, c}, e.Confusion))
	}
	if d := square(len(e.Correlation)); d > 0 {
		f.Tensors = append(f.Tensors, safetensors.FromFloat32s("correlation", []int{d, d}, e.Correlation))
	}
	f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "images", DType: "U8", Shape: []int{len(e.Sheet.JPEG)}, Data: e.Sheet.JPEG})
	return f.Marshal()
}

// UnmarshalBinary unpacks b, and refuses what does not fit together. It wraps
// ErrInvalid.
func (e *Exhibit) UnmarshalBinary(b []byte) error {
	f, err := safetensors.Parse(b)
	if err != nil {
		return invalid("%v", err)
	}
	var out Exhibit
	if err := out.take(f); err != nil {
		if !errors.Is(err, ErrInvalid) {
			err = invalid("%v", err)
		}
		return err
	}
	if err := out.Validate(); err != nil {
		return err
	}
	*e = out
	return nil
}

func (e *Exhibit) take(f *safetensors.File) error {
	e.Run = f.Metadata["run"]
	for name, to := range map[string]*int{"step": &e.Step, "tile": &e.Sheet.Tile, "columns": &e.Sheet.Columns} {
		v, err := strconv.Atoi(f.Metadata[name])
		if err != nil {
			return invalid("%s: have %q, want a number", name, f.Metadata[name])
		}
		*to = v
	}
	for name, to := range map[string]*[]string{"classes": &e.Classes, "keys": &e.Keys} {
		if err := json.Unmarshal([]byte(f.Metadata[name]), to); err != nil {
			return invalid("%s: %v", name, err)
		}
	}
	for name, to := range map[string]*[]int32{"labels": &e.Labels, "neighbours": &e.Neighbours, "predicted": &e.Predicted, "confusion": &e.Confusion} {
		if t, ok := f.Tensor(name); ok {
			v, err := safetensors.Int32s(t)
			if err != nil {
				return err
			}
			*to = v
		}
	}
	for name, to := range map[string]*[]float32{"map": &e.Map, "tsne": &e.TSNE, "variance": &e.Variance, "similarity": &e.Similarity, "spectrum": &e.Spectrum, "correlation": &e.Correlation} {
		if t, ok := f.Tensor(name); ok {
			v, err := safetensors.Float32s(t)
			if err != nil {
				return err
			}
			*to = v
		}
	}
	if text, ok := f.Metadata["perplexity"]; ok {
		var err error
		if e.Perplexity, err = strconv.ParseFloat(text, 64); err != nil {
			return invalid("perplexity: have %q, want a number", text)
		}
	}
	if t, ok := f.Tensor("neighbours"); ok && len(t.Shape) == 2 {
		e.K = t.Shape[1]
	}
	if t, ok := f.Tensor("images"); ok {
		e.Sheet.JPEG = slices.Clone(t.Data)
	}
	return nil
}
