package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
	exec   *model.Exec
	stages []string // whose features it returns
}

// newExtractor builds the graph for the variables in the store, up to the last
// stage, and for the features of that stage or of all.
func newExtractor(b compute.Backend, store *model.Store, name string, all bool) (*extractor, error) {
	enc, err := encoder.New(name)
	if err != nil {
		return nil, err
	}
	first := len(enc.Stages) - 1
	if all {
		first = 0
	}
	exec, err := model.NewExec(b, store, func(s *model.Scope, images *Node) []*Node {
		return enc.Forward(s.Store().Scope(snapshot.EncoderScope), images, false).Stages[first:]
	})
	if err != nil {
		return nil, fmt.Errorf("building encoder %s: %w", name, err)
	}
	return &extractor{exec, enc.Stages[first:]}, nil
}

func (x *extractor) close() { x.exec.Finalize() }

// extract returns the features of each stage, one row for each image. The last
// batch is filled up with black images, since every shape is compiled anew.
func (x *extractor) extract(ctx context.Context, p pixels) ([]Features, error) {
	features := make([]Features, len(x.stages))
	for i := range features {
		features[i].Labels = p.labels
	}
	step := extractBatch * bytesOf(p.size)
	for begin := 0; begin < len(p.data); begin += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := make([]byte, step)
		copied := copy(batch, p.data[begin:])
		if err := x.batch(features, batch, p.size, copied/bytesOf(p.size)); err != nil {
			return nil, err
		}
	}
	return features, nil
}

// batch appends the features of the first n images.
func (x *extractor) batch(to []Features, data []byte, size, n int) error {
	images := tensors.FromFlatDataAndDimensions(data, extractBatch, size, size, 3)
	defer images.MustFinalizeAll()
	out, err := x.exec.Call(images)
	if err != nil {
		return fmt.Errorf("extracting features: %w", err)
	}
	for i, t := range out {
		rows, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return fmt.Errorf("extracting features of stage %s: %w", x.stages[i], err)
		}
		to[i].Dim = t.Shape().Dim(1)
		t.MustFinalizeAll()
		rows = rows[:n*to[i].Dim]
		if !finite(rows) {
			return fmt.Errorf("stage %s: %w", x.stages[i], errNotFinite)
		}
		to[i].X = append(to[i].X, rows...)
	}
	return nil
}

func finite(values []float32) bool {
	return !slices.ContainsFunc(values, func(v float32) bool {
		return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	})
}
