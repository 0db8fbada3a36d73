package augmenter

import (
	"context"
	"fmt"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/view"
)

// Fetch reads an object of at most limit bytes, as bucket.Bucket.Get does.
type Fetch func(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error)

// Make makes the samples of a split. They depend on the split, the images and
// Fingerprint alone. Images that cannot be used are holes:
//
//	it is missing, or another one than when the run began
//	it is larger than decode.DefaultLimits, in bytes or in claimed pixels
//	it cannot be decoded
//
// An error means that the samples cannot be made for now, as when fetch fails
// for another reason, or that ctx has ended.
func Make(ctx context.Context, split schemas.Split, fetch Fetch) (*schemas.Samples, error) {
	m := maker{fetch: fetch, stats: new(Stats)}
	return m.samples(ctx, split)
}

// Fingerprint names all code that decides about the bytes of samples. Only
// samples with equal fingerprints may be mixed in a run.
func Fingerprint() string {
	return fmt.Sprintf("%s view %d", decode.Fingerprint(), view.Version)
}

type maker struct {
	fetch Fetch
	stats *Stats
}

func (m *maker) samples(ctx context.Context, split schemas.Split) (*schemas.Samples, error) {
	s := &schemas.Samples{Run: split.Run, Epoch: split.Epoch, Index: split.Index, Fingerprint: Fingerprint()}
	rows := newRows(split)
	err := m.files(ctx, split.Images, func(image schemas.Image, f file) {
		start := time.Now()
		defer func() { m.stats.add(func(c *Counts) { c.Rendering += time.Since(start) }) }()
		if f.broken == "" {
			f.broken = rows.add(image, f.data)
		}
		if f.broken != "" {
			s.Holes = append(s.Holes, schemas.Hole{ID: image.ID, Key: image.Key, Reason: f.broken})
			return
		}
		s.IDs = append(s.IDs, image.ID)
		s.Labels = append(s.Labels, image.Label)
	})
	if err != nil {
		return nil, fmt.Errorf("making split %d of epoch %d of run %s: %w", split.Index, split.Epoch, split.Run, err)
	}
	s.Views = rows.views()
	return s, nil
}

// rows are the views of the images so far.
type rows struct {
	split    schemas.Split
	renderer view.Renderer
	pixels   [][]byte // of each view, images one after the other
}

func newRows(split schemas.Split) *rows {
	r := &rows{split: split, pixels: make([][]byte, len(split.Recipe.Views))}
	for i, v := range split.Recipe.Views {
		r.pixels[i] = make([]byte, 0, len(split.Images)*v.Size*v.Size*3)
	}
	return r
}

// add decodes an image once and appends all its views, or tells what is wrong
// with it.
//
// Recipes of other kinds, such as patch pairs and jigsaws, belong here: what
// they make of img is appended just as well.
func (r *rows) add(image schemas.Image, data []byte) (broken string) {
	img, err := decode.Image(data, decode.DefaultLimits())
	if err != nil {
		return err.Error()
	}
	for i, v := range r.split.Recipe.Views {
		n := len(r.pixels[i])
		r.pixels[i] = r.pixels[i][:n+v.Size*v.Size*3]
		r.renderer.Render(r.pixels[i][n:], img, v, view.Key(r.split.Seed, r.split.Epoch, image.ID, i))
	}
	return ""
}

func (r *rows) views() []schemas.Pixels {
	var all []schemas.Pixels
	for i, v := range r.split.Recipe.Views {
		all = append(all, schemas.Pixels{Size: v.Size, Data: r.pixels[i]})
	}
	return all
}
