package evaluator

import (
	"context"
	"fmt"
	"runtime"

	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/view"
)

// lookEpoch is the epoch of the random numbers of looks: no training has it.
const lookEpoch = -1

// looks are what a recipe makes of images, and the answers where it asks
// something. They are the same for all snapshots of a run.
type looks struct {
	sizes   []int
	views   [][]byte // of each view of the recipe, uint8 [len(answers), size, size, 3]
	answers []int32  // of each image; 0 where the recipe asks nothing
}

// look makes the views of each image that can be read; the others are left out.
func look(ctx context.Context, b bucket.Bucket, recipe schemas.Recipe, seed uint64, images []image) (looks, error) {
	made := make([]*looks, len(images)) // of one image each; nil: it could not be read
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, runtime.NumCPU()/2)) // the trainer has work to do as well
	for i, img := range images {
		group.Go(func() error {
			pixels, err := fetchImage(ctx, b, img)
			if err != nil || pixels == nil {
				return err
			}
			one := &looks{}
			for _, size := range recipe.Sizes() {
				one.views = append(one.views, make([]byte, bytesOf(size)))
			}
			key := view.ImageKey(seed, lookEpoch, int64(i))
			one.answers = []int32{int32(new(view.Renderer).RenderAll(one.views, pixels, recipe, key))}
			made[i] = one
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return looks{}, fmt.Errorf("fetching images to look at: %w", err)
	}
	l := looks{sizes: recipe.Sizes(), views: make([][]byte, len(recipe.Sizes()))}
	for _, one := range made {
		if one == nil {
			continue
		}
		for i, v := range one.views {
			l.views[i] = append(l.views[i], v...)
		}
		l.answers = append(l.answers, one.answers...)
	}
	if l.len() == 0 {
		return l, fmt.Errorf("%w: none of the %d images to look at could be read", errHopeless, len(images))
	}
	return l, nil
}

// len is the number of images.
func (l looks) len() int { return len(l.answers) }

// pixels are the i-th views, for an extractor.
func (l looks) pixels(i int) pixels { return pixels{size: l.sizes[i], data: l.views[i]} }

// tensors are the answers and the views of n of the images.
func (l looks) tensors(begin, n int) []any {
	in := []any{tensors.FromFlatDataAndDimensions(l.answers[begin:begin+n], n)}
	for i, size := range l.sizes {
		data := l.views[i][begin*bytesOf(size) : (begin+n)*bytesOf(size)]
		in = append(in, tensors.FromFlatDataAndDimensions(data, n, size, size, 3))
	}
	return in
}
