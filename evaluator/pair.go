package evaluator

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/trainer/method"
	"selfstream/trainer/snapshot"
)

// pairImages bounds how many images figures are shown two views of.
const pairImages = 512

// embeddedDimensions bounds how many dimensions of an embedding are looked at,
// of which one is as good as another: the correlations of the 8,192 of Barlow
// Twins' paper would take half a GB.
const embeddedDimensions = 2048

// pairMethod is whose two views the features of all runs are compared on,
// whatever their own method, so that their figures are of one kind.
const pairMethod = "simclr"

// pairs are two views of each of some images, the same for all snapshots of a
// run.
type pairs struct {
	run    string
	common looks // by the recipe of pairMethod
	own    looks // by that of the run; empty unless it has two views
}

// paired chooses the images: held-out ones where there are any, and no more than
// fit into that many bytes.
func (s selection) paired(common, own schemas.Recipe, bytes int64) []image {
	images := s.Test
	if len(images) == 0 {
		images = s.Train
	}
	room := int(bytes) / (common.BytesPerImage() + own.BytesPerImage())
	return thin(slices.Clone(images), min(pairImages, max(2, room)))
}

// pairRecipe is that of pairMethod with its default settings.
func pairRecipe(size int) (schemas.Recipe, error) {
	m, err := method.New(pairMethod, nil)
	if err != nil {
		return schemas.Recipe{}, err
	}
	return m.Recipe(size), nil
}

// pair adds to the task what the encoder, and what the heads above it, make of
// two views.
func (c *candidate) pair(ctx context.Context, x *extractor, card snapshot.Card, t *Task) error {
	if len(c.chosen.Paired) == 0 {
		return nil
	}
	if err := c.loadPairs(ctx, card); err != nil {
		return err
	}
	for i := range t.Pair {
		stages, err := x.extract(ctx, c.pairs.common.pixels(i))
		if err != nil {
			return hopeless(ctx, err)
		}
		t.Pair[i] = stages[len(stages)-1]
	}
	if !c.chosen.Twins {
		return nil
	}
	store, card, err := snapshot.ReadState(ctx, c.Runs, c.snapshot.Prefix)
	if err != nil {
		return err
	}
	defer store.Finalize()
	t.Embedded, err = embed(ctx, c.Backend, store, card.Config, c.pairs.own)
	return hopeless(ctx, err)
}

// loadPairs makes sure that e.pairs are those of the run.
func (c *candidate) loadPairs(ctx context.Context, card snapshot.Card) error {
	if c.pairs.run == card.Run {
		return nil
	}
	c.pairs = pairs{} // makes room
	common, err := pairRecipe(card.Config.ImageSize)
	if err != nil {
		return err
	}
	made := pairs{run: card.Run}
	if made.common, err = look(ctx, c.Datasets, common, card.Config.Seed, c.chosen.Paired); err != nil {
		return err
	}
	if c.chosen.Twins {
		if made.own, err = look(ctx, c.Datasets, card.Recipe, card.Config.Seed, c.chosen.Paired); err != nil {
			return err
		}
	}
	c.pairs = made
	return nil
}

// embed shows two views to the whole network. Its embedding has the rows of the
// first view above those of the second; see method.Result.
func embed(ctx context.Context, b compute.Backend, store *model.Store, c schemas.Config, l looks) (e [2]Features, err error) {
	n, err := newNetwork(b, store, c, func(r method.Result) *Node { return r.Embedding })
	if err != nil {
		return e, err
	}
	defer n.close()
	err = n.show(ctx, l, func(embedding *tensors.Tensor, images int) error {
		rows, err := tensors.CopyFlatData[float32](embedding)
		if err != nil {
			return err
		}
		if have := embedding.Shape().Dim(0); have != 2*images {
			return fmt.Errorf("have %d embeddings of %d images, want two of each", have, images)
		}
		if !finite(rows) {
			return errNotFinite
		}
		dim := embedding.Shape().Dim(1)
		for i := range e {
			e[i].Dim = min(dim, embeddedDimensions)
			for row := range slices.Chunk(rows[i*len(rows)/2:(i+1)*len(rows)/2], dim) {
				e[i].X = append(e[i].X, row[:e[i].Dim]...)
			}
		}
		return nil
	})
	return e, err
}
