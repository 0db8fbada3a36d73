package evaluator

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/trainer/method"
	"selfstream/trainer/snapshot"
)

// Pretext is the probe of runs whose recipe asks something: how often the
// network, with the head that it was trained with, finds the answer for images
// that it was not trained on. Chance is one in the number of answers.
const Pretext = "pretext"

// pretextImages bounds how many images are asked about.
const pretextImages = 1000

// pretext asks the whole network of the snapshot.
func (c *candidate) pretext(ctx context.Context) (schemas.Report, error) {
	store, card, err := snapshot.ReadState(ctx, c.Runs, c.snapshot.Prefix)
	if err != nil {
		return schemas.Report{}, err
	}
	defer store.Finalize()
	if c.asked.run != card.Run {
		c.asked = questions{} // makes room
		l, err := look(ctx, c.Datasets, card.Recipe, card.Config.Seed, c.chosen.Unseen)
		if err != nil {
			return schemas.Report{}, fmt.Errorf("%s: %w", Pretext, err)
		}
		c.asked = questions{card.Run, l}
	}
	accuracy, err := answer(ctx, c.Backend, store, card.Config, c.asked.looks)
	if err != nil {
		return schemas.Report{}, hopeless(ctx, fmt.Errorf("%s: %w", Pretext, err))
	}
	choices := card.Recipe.Answers()
	r := schemas.Report{
		Value: accuracy, Test: c.asked.len(),
		Constants: map[string]string{
			"choices": strconv.Itoa(choices),
			"chance":  format(1 / float64(choices)),
			"asked":   "once of each image, of those that were not trained on",
		},
	}
	if n := len(c.chosen.Unseen) - c.asked.len(); n > 0 {
		r.Note = fmt.Sprintf("%d of the %d images to ask about could not be read and are left out", n, len(c.chosen.Unseen))
	}
	return r, nil
}

// questions are what the recipe of a run makes of images.
type questions struct {
	run string
	looks
}

// answer is the share of questions that the network in the store answers right.
func answer(ctx context.Context, b compute.Backend, store *model.Store, c schemas.Config, q looks) (float64, error) {
	n, err := newNetwork(b, store, c, func(r method.Result) *Node { return r.Values[method.PretextAccuracy] })
	if err != nil {
		return 0, err
	}
	defer n.close()
	var right float64
	err = n.show(ctx, q, func(share *tensors.Tensor, images int) error {
		right += float64(tensors.ToScalar[float32](share)) * float64(images)
		return nil
	})
	return right / float64(q.len()), err
}

// unseen are images of the dataset that no run on it trains on: those that it
// holds out, labelled or not, but no more than fit into that many bytes as
// questions.
func unseen(d *bucket.Dataset, recipe schemas.Recipe, bytes int64) []image {
	if recipe.Answers() == 0 {
		return nil
	}
	var images []image
	for _, f := range d.Test {
		images = append(images, labelledImageOf(f))
	}
	return thin(images, min(pretextImages, max(1, int(bytes)/recipe.BytesPerImage())))
}
