package evaluator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"golang.org/x/sync/errgroup"

	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/view"
)

// pixels are images of one size, as an encoder takes them.
type pixels struct {
	size   int     // side of each
	data   []byte  // [len(labels), size, size, 3]
	labels []int32 // −1 without
	keys   []string
	broken int // images that could not be read, and are left out
}

// bytesOf is what an image of that size takes.
func bytesOf(size int) int { return 3 * size * size }

// loadPixels fetches images, resizes their shorter side to size and crops the
// middle. Images that are missing or cannot be decoded are left out and
// counted; an error means that the bucket does not answer.
func loadPixels(ctx context.Context, b bucket.Bucket, images []image, size int) (pixels, error) {
	n := bytesOf(size)
	all := make([]byte, n*len(images))
	good := make([]bool, len(images))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, runtime.NumCPU()/2)) // the trainer has work to do as well
	for i, img := range images {
		group.Go(func() (err error) {
			good[i], err = loadImage(ctx, b, img, all[n*i:n*(i+1)], size)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return pixels{}, fmt.Errorf("fetching images to probe with: %w", err)
	}
	p := pixels{size: size, data: all[:0]}
	for i, img := range images {
		if !good[i] {
			p.broken++
			continue
		}
		p.data = append(p.data, all[n*i:n*(i+1)]...) // moves nothing where none is broken
		p.labels = append(p.labels, img.Label)
		p.keys = append(p.keys, img.Key)
	}
	return p, nil
}

// loadImage tells whether the image could be used.
func loadImage(ctx context.Context, b bucket.Bucket, img image, dst []byte, size int) (bool, error) {
	photo, err := fetchImage(ctx, b, img)
	if err != nil || photo == nil {
		return false, err
	}
	view.Center(dst, photo, size)
	return true, nil
}

// fetchImage returns nil for an image that is missing or cannot be decoded.
func fetchImage(ctx context.Context, b bucket.Bucket, img image) (*view.RGB, error) {
	data, err := img.read(ctx, b)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, bucket.ErrTooLarge), errors.Is(err, bucket.ErrOther):
		return nil, nil
	case err != nil:
		return nil, err
	}
	photo, err := decode.Image(data, decode.DefaultLimits())
	if err != nil {
		return nil, nil // an augmenter has told people why
	}
	return photo, nil
}

// read fetches the file, whatever is in it now, or the member of its tar as it
// was.
func (i image) read(ctx context.Context, b bucket.Bucket) ([]byte, error) {
	limit := decode.DefaultLimits().Bytes
	switch {
	case i.In == nil:
		data, _, err := b.Get(ctx, i.Key, limit)
		return data, err
	case i.In.Size > limit:
		return nil, bucket.ErrTooLarge
	}
	return bucket.File{Key: i.Key, Tar: i.In.Tar, Offset: i.In.Offset, Size: i.In.Size, ETag: i.In.ETag}.Read(ctx, b)
}
