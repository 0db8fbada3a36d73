package augmenter

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/cache"
	"selfstream/stages/decode"
	"selfstream/stages/view"
)

// Make makes the samples of a split. They depend on the split, the images and
// Fingerprint alone. Images that cannot be used are holes:
//
//	it is missing, or another one than when the run began
//	it is larger than decode.DefaultLimits, in bytes or in claimed pixels
//	it cannot be decoded
//
// An error means that the samples cannot be made for now, as when from fails
// for another reason, or that ctx has ended.
func Make(ctx context.Context, split schemas.Split, from bucket.Getter) (*schemas.Samples, error) {
	m := maker{from: from, stats: new(Stats), log: slog.New(slog.DiscardHandler)}
	return m.samples(ctx, split)
}

// Fingerprint names all code that decides about the bytes of samples. Only
// samples with equal fingerprints may be mixed in a run.
func Fingerprint() string {
	return fmt.Sprintf("%s view %d", decode.Fingerprint(), view.Version)
}

type maker struct {
	from   bucket.Getter
	cache  *cache.Cache // nil: none
	stats  *Stats
	log    *slog.Logger
	memory *[]byte // for the samples, a larger one if it is too small; nil: new memory
}

func (m *maker) samples(ctx context.Context, split schemas.Split) (*schemas.Samples, error) {
	s := &schemas.Samples{Run: split.Run, Epoch: split.Epoch, Index: split.Index, Fingerprint: Fingerprint()}
	s.IDs, s.Labels = make([]int64, 0, len(split.Images)), make([]int32, 0, len(split.Images))
	if m.memory == nil {
		m.memory = new([]byte)
	}
	*m.memory = s.Reserve(*m.memory, len(split.Images), split.Recipe.Sizes())
	rows := newRows(split, s.Views)
	rows.tools = allTools.Get().(*tools)
	defer allTools.Put(rows.tools)
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
	s.Answers = rows.answers
	return s, nil
}

// tools hold the memory for decoding and rendering, which is used again from
// split to split.
type tools struct {
	decoder  decode.Decoder
	renderer view.Renderer
}

var allTools = sync.Pool{New: func() any { return new(tools) }}

// rows are the views of the images so far.
type rows struct {
	split   schemas.Split
	tools   *tools
	views   []schemas.Pixels // of all images so far
	view    [][]byte         // of each view, the image at work
	needs   []view.Need      // of the image at work
	answers []int32          // nil if the recipe asks nothing
}

// newRows returns no rows yet. Views have room for those of all images.
func newRows(split schemas.Split, views []schemas.Pixels) *rows {
	r := &rows{split: split, views: views, view: make([][]byte, len(views))}
	if split.Recipe.Answers() > 0 {
		r.answers = []int32{}
	}
	return r
}

// add decodes an image once and appends all its views, or tells what is wrong
// with it.
func (r *rows) add(image schemas.Image, data []byte) (broken string) {
	key := view.ImageKey(r.split.Seed, r.split.Epoch, image.ID)
	img, err := r.tools.decoder.Source(data, decode.DefaultLimits(), func(w, h int) []view.Need {
		r.needs = view.AppendNeeds(r.needs[:0], r.split.Recipe, w, h, key)
		return r.needs
	})
	if err != nil {
		return err.Error()
	}
	for i := range r.views {
		v := &r.views[i]
		n := len(v.Data)
		v.Data = v.Data[:n+v.Size*v.Size*3]
		r.view[i] = v.Data[n:]
	}
	answer := r.tools.renderer.RenderAll(r.view, img, r.split.Recipe, key)
	if r.answers != nil {
		r.answers = append(r.answers, int32(answer))
	}
	return ""
}
