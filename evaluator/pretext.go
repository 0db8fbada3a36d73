package evaluator

import (
	"context"
	"fmt"
	"runtime"
	"strconv"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/view"
	"selfstream/trainer/encoder"
	"selfstream/trainer/method"
	"selfstream/trainer/snapshot"
)

// Pretext is the probe of runs whose recipe asks something: how often the
// network, with the head that it was trained with, finds the answer for images
// that it was not trained on. Chance is one in the number of answers.
const Pretext = "pretext"

const (
	pretextImages = 1000 // at most
	pretextBatch  = 100  // images through a network at once
	pretextEpoch  = -1   // of the questions' random numbers: no training has it
)

// pretext asks the whole network of the snapshot.
func (c *candidate) pretext(ctx context.Context) (schemas.Report, error) {
	store, card, err := snapshot.ReadState(ctx, c.Runs, c.snapshot.Prefix)
	if err != nil {
		return schemas.Report{}, err
	}
	defer store.Finalize()
	if c.asked.run != card.Run {
		c.asked = questions{} // makes room
		if c.asked, err = ask(ctx, c.Datasets, card, c.chosen.Unseen); err != nil {
			return schemas.Report{}, err
		}
	}
	accuracy, err := answer(ctx, c.Backend, store, card.Config, c.asked)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %s: %w", errHopeless, Pretext, err)
		}
		return schemas.Report{}, err
	}
	choices := card.Recipe.Answers()
	r := schemas.Report{
		Value: accuracy, Test: len(c.asked.answers),
		Constants: map[string]string{
			"choices": strconv.Itoa(choices),
			"chance":  format(1 / float64(choices)),
			"asked":   "once of each image, of those that were not trained on",
		},
	}
	if n := len(c.chosen.Unseen) - len(c.asked.answers); n > 0 {
		r.Note = fmt.Sprintf("%d of the %d images to ask about could not be read and are left out", n, len(c.chosen.Unseen))
	}
	return r, nil
}

// questions are what the recipe of a run makes of images, and the answers. They
// are the same for all its snapshots.
type questions struct {
	run     string
	sizes   []int
	views   [][]byte // of each view of the recipe, uint8 [len(answers), size, size, 3]
	answers []int32
}

// ask makes a question of each image that can be read.
func ask(ctx context.Context, b bucket.Bucket, card snapshot.Card, images []image) (questions, error) {
	q := questions{run: card.Run, sizes: card.Recipe.Sizes()}
	made := make([]*questions, len(images)) // of one image each; nil: it could not be read
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, runtime.NumCPU()/2)) // the trainer has work to do as well
	for i, img := range images {
		group.Go(func() error {
			pixels, err := fetchImage(ctx, b, img.Key)
			if err != nil || pixels == nil {
				return err
			}
			one := &questions{}
			for _, size := range q.sizes {
				one.views = append(one.views, make([]byte, bytesOf(size)))
			}
			key := view.ImageKey(card.Config.Seed, pretextEpoch, int64(i))
			one.answers = []int32{int32(new(view.Renderer).RenderAll(one.views, pixels, card.Recipe, key))}
			made[i] = one
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return q, fmt.Errorf("fetching images to ask about: %w", err)
	}
	q.views = make([][]byte, len(q.sizes))
	for _, one := range made {
		if one == nil {
			continue
		}
		for i, v := range one.views {
			q.views[i] = append(q.views[i], v...)
		}
		q.answers = append(q.answers, one.answers...)
	}
	if len(q.answers) == 0 {
		return q, fmt.Errorf("%w: %s: none of the %d images to ask about could be read", errHopeless, Pretext, len(images))
	}
	return q, nil
}

// answer is the share of questions that the network in the store answers right.
func answer(ctx context.Context, b compute.Backend, store *model.Store, c schemas.Config, q questions) (float64, error) {
	m, err := method.New(c.Method, c.Settings)
	if err != nil {
		return 0, err
	}
	e, err := encoder.New(c.Encoder)
	if err != nil {
		return 0, err
	}
	exec, err := model.NewExec(b, store, func(s *model.Scope, in []*Node) *Node {
		r := m.Loss(method.Net{Encoder: e, Scope: s}, method.Batch{
			Progress: Const(in[0].Graph(), float32(1)), Answers: in[0], Views: in[1:],
		})
		return r.Values[method.PretextAccuracy]
	})
	if err != nil {
		return 0, fmt.Errorf("building the network of %s: %w", c.Method, err)
	}
	defer exec.Finalize()
	var right float64
	for begin := 0; begin < len(q.answers); begin += pretextBatch {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(pretextBatch, len(q.answers)-begin)
		share, err := q.part(begin, n, exec)
		if err != nil {
			return 0, fmt.Errorf("asking the network of %s: %w", c.Method, err)
		}
		right += share * float64(n)
	}
	return right / float64(len(q.answers)), nil
}

// part asks n of the questions.
func (q questions) part(begin, n int, exec *model.Exec) (right float64, err error) {
	in := []any{tensors.FromFlatDataAndDimensions(q.answers[begin:begin+n], n)}
	for i, size := range q.sizes {
		pixels := q.views[i][begin*bytesOf(size) : (begin+n)*bytesOf(size)]
		in = append(in, tensors.FromFlatDataAndDimensions(pixels, n, size, size, 3))
	}
	out, err := exec.Call1(in...)
	for _, t := range in {
		t.(*tensors.Tensor).MustFinalizeAll()
	}
	if err != nil {
		return 0, err
	}
	defer out.MustFinalizeAll()
	return float64(tensors.ToScalar[float32](out)), nil
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
		images = append(images, image{f.Key, f.Label})
	}
	return thin(images, min(pretextImages, max(1, int(bytes)/recipe.BytesPerImage())))
}
