package augmenter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/cache"
	"selfstream/stages/decode"
)

const (
	filesAhead = 16       // fetched at once, or waiting to be decoded
	bytesAhead = 16 << 20 // of these files, unless a single one is larger
)

// file is an image as it lies in the bucket.
type file struct {
	data   []byte
	broken string // why it cannot be used; the same text whoever finds out
	err    error  // why it could not be fetched for now
}

// files fetches images ahead of their use, and hands them to use one at a time
// and in order. It ends at the first that cannot be fetched.
func (m *maker) files(ctx context.Context, images []schemas.Image, use func(schemas.Image, file)) error {
	var fetching sync.WaitGroup
	defer fetching.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	room := semaphore.NewWeighted(bytesAhead)
	ahead := make(chan chan file, filesAhead)
	reads := join(images)
	fetching.Go(func() {
		defer close(ahead)
		for _, image := range images {
			if room.Acquire(ctx, weight(image, reads)) != nil {
				return
			}
			one := make(chan file, 1)
			select {
			case ahead <- one:
			case <-ctx.Done():
				return
			}
			fetching.Go(func() { one <- m.file(ctx, image, reads[image.ID]) })
		}
	})
	for _, image := range images {
		f, err := m.next(ctx, ahead)
		if err != nil {
			return err
		}
		use(image, f)
		room.Release(weight(image, reads))
	}
	return nil
}

// weight is the room that a file takes up. That for joint reads is set aside.
func weight(image schemas.Image, reads map[int64]*read) int64 {
	if reads[image.ID] != nil {
		return 0
	}
	return min(image.Size, bytesAhead)
}

// next waits for the next file.
func (m *maker) next(ctx context.Context, ahead <-chan chan file) (file, error) {
	start := time.Now()
	defer func() { m.stats.add(func(c *Counts) { c.Fetching += time.Since(start) }) }()
	one, ok := <-ahead
	if !ok {
		return file{}, ctx.Err()
	}
	select {
	case f := <-one:
		return f, f.err
	case <-ctx.Done():
		return file{}, ctx.Err()
	}
}

// file fetches one image, by itself or by a joint read, and tells whether it is
// still the one that the split means.
func (m *maker) file(ctx context.Context, image schemas.Image, joint *read) file {
	if limit := decode.DefaultLimits().Bytes; image.Size > limit {
		return file{broken: fmt.Sprintf("the file has %d bytes, more than the limit of %d", image.Size, limit)}
	}
	data, err := m.read(ctx, image, joint)
	switch {
	case err == nil:
		return file{data: data}
	case errors.Is(err, bucket.ErrOther):
		return file{broken: err.Error()}
	case errors.Is(err, fs.ErrNotExist):
		return file{broken: "the file is missing"}
	case errors.Is(err, fs.ErrInvalid):
		return file{broken: "the key cannot name an object"}
	}
	return file{err: err}
}

// read fetches the bytes of an image, which are those that the split means, from
// the cache if it has them.
func (m *maker) read(ctx context.Context, image schemas.Image, joint *read) ([]byte, error) {
	f := bucket.FileOf(image)
	name := ""
	if m.cache != nil {
		name = f.Content()
	}
	cached := name != ""
	if cached {
		if data, ok := m.cache.Get(name); ok {
			m.stats.add(func(c *Counts) { c.Cached++ })
			return data, nil
		}
	}
	var data []byte
	var err error
	if joint != nil {
		data, err = joint.part(ctx, m.from, image)
	} else {
		data, err = f.Read(ctx, m.from)
	}
	if cached && err == nil {
		if err := m.cache.Put(name, data); err != nil && !errors.Is(err, cache.ErrFull) {
			m.log.Warn("going on without the cache", "key", image.Key, "err", err)
		}
	}
	return data, err
}
