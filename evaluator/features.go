package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/encoder"
	"selfstream/trainer/snapshot"
)

// extractBatch is how many images go through an encoder at once.
const extractBatch = 128

// errNotFinite is what becomes of an encoder whose training has diverged.
var errNotFinite = errors.New("features are not finite numbers: the training has diverged; try a smaller learning rate")

// extractor shows images to the encoder of a snapshot, in inference mode.
type extractor struct {
	exec *model.Exec
	dim  int
}

// newExtractor builds the graph for the variables in the store.
func newExtractor(b compute.Backend, store *model.Store, name string) (*extractor, error) {
	enc, err := encoder.New(name)
	if err != nil {
		return nil, err
	}
	exec, err := model.NewExec(b, store, func(s *model.Scope, images *Node) *Node {
		return enc.Forward(s.Store().Scope(snapshot.EncoderScope), images, false).Features
	})
	if err != nil {
		return nil, fmt.Errorf("building encoder %s: %w", name, err)
	}
	return &extractor{exec, enc.Dim}, nil
}

func (x *extractor) close() { x.exec.Finalize() }

// extract returns one row for each image. The last batch is filled up with
// black images, since every shape is compiled anew.
func (x *extractor) extract(ctx context.Context, p pixels) (Features, error) {
	f := Features{Dim: x.dim, Labels: p.labels, X: make([]float32, 0, len(p.labels)*x.dim)}
	step := extractBatch * bytesOf(p.size)
	for begin := 0; begin < len(p.data); begin += step {
		if err := ctx.Err(); err != nil {
			return Features{}, err
		}
		batch := make([]byte, step)
		copied := copy(batch, p.data[begin:])
		rows, err := x.batch(batch, p.size)
		if err != nil {
			return Features{}, fmt.Errorf("extracting features: %w", err)
		}
		f.X = append(f.X, rows[:copied/bytesOf(p.size)*x.dim]...)
	}
	for _, v := range f.X {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return Features{}, errNotFinite
		}
	}
	return f, nil
}

func (x *extractor) batch(data []byte, size int) ([]float32, error) {
	images := tensors.FromFlatDataAndDimensions(data, extractBatch, size, size, 3)
	defer images.MustFinalizeAll()
	out, err := x.exec.Call1(images)
	if err != nil {
		return nil, err
	}
	defer out.MustFinalizeAll()
	return tensors.CopyFlatData[float32](out)
}
