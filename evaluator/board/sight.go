package board

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"time"

	"github.com/disintegration/imaging"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/flow"
	"selfstream/stages/ledger"
	"selfstream/stages/preview"
	"selfstream/stages/sheet"
	pixels "selfstream/stages/view"
	"selfstream/trainer/snapshot"
)

const (
	sightEvery = 5 * time.Second // at most, while a run is looked at
	sightShare = 0.05            // of the time of a processor at most, be the photos ever so large
	sightRows  = 4               // images
)

// sight is what the encoder sees of some images.
type sight struct {
	Rows []sightRow
	Note string // where it comes from
}

type sightRow struct {
	Caption string
	Cells   []sightCell
}

type sightCell struct {
	Head       string
	Source     template.URL
	Wide, High int
	Caption    string
	Marks      []sightMark
}

// sightMark is a frame around a part of a picture, or all of it.
type sightMark struct {
	image.Rectangle
	Class int // all of one class show the same view
}

// source is what it takes to make a run's samples again.
type source struct {
	seed   uint64
	recipe schemas.Recipe
	images []schemas.Image // of the manifest
}

// source reads it from what is kept of the run. A run of which there is no
// snapshot yet has none: fs.ErrNotExist.
func (b *board) source(ctx context.Context, run string) (*source, error) {
	steps, err := snapshot.Steps(ctx, b.Runs, run)
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		return nil, fs.ErrNotExist
	}
	card, err := snapshot.ReadCard(ctx, b.Runs, snapshot.Prefix(run, steps[0]))
	if err != nil {
		return nil, err
	}
	if err := card.Recipe.Validate(); err != nil {
		return nil, fmt.Errorf("reading the recipe of run %s: %w", run, err)
	}
	var manifest struct{ Images []schemas.Image }
	if err := b.ledger.Read(ctx, run, ledger.Manifest, &manifest); err != nil {
		return nil, err
	}
	return &source{card.Config.Seed, card.Recipe, manifest.Images}, nil
}

// watchSamples shows some images of the manifest, and then hears now and then
// what augmenters send to the trainer of a run, and shows that.
func (b *board) watchSamples(ctx context.Context, run string, show func(*sight)) error {
	var src *source
	first := true
	for ctx.Err() == nil {
		var took time.Duration
		var err error
		if src == nil {
			src, err = b.source(ctx, run)
		}
		if err == nil {
			var seen *sight
			if seen, took, err = b.look(ctx, run, src, first); err == nil {
				show(seen)
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
			b.Log.Debug("looking at samples", "run", run, "err", err)
		}
		pause := sightEvery
		if first && err == nil {
			pause = 0
		}
		first = first && err != nil
		select {
		case <-time.After(max(pause, time.Duration(float64(took)/sightShare))):
		case <-ctx.Done():
		}
	}
	return nil
}

// look waits for samples unless it is the first look, and tells how long it was
// at work on them.
func (b *board) look(ctx context.Context, run string, src *source, first bool) (*sight, time.Duration, error) {
	begun := time.Now()
	if first {
		var ids []int64
		for i := range min(sightRows, len(src.images)) {
			ids = append(ids, int64(i*len(src.images)/sightRows))
		}
		seen, err := b.sight(ctx, src, 0, ids, "Some images, as the first epoch shows them.", nil)
		return seen, time.Since(begun), err
	}
	d, err := b.Flow.Peek(ctx, schemas.Samples{Run: run}.Subject())
	if err != nil {
		return nil, 0, err
	}
	begun = time.Now()
	s, err := flow.Decode[schemas.Samples](d)
	if err != nil {
		return nil, 0, err
	}
	note := fmt.Sprintf("From split %d of epoch %d, as augmenter %s sent it at %s.", s.Index, s.Epoch, d.Header.Get(schemas.AugmenterHeader), begun.Format(time.TimeOnly))
	seen, err := b.sight(ctx, src, s.Epoch, s.IDs[:min(sightRows, len(s.IDs))], note, &s)
	return seen, time.Since(begun), err
}

// sight makes the samples of some images again, and holds them against those
// that were sent, if there are any.
func (b *board) sight(ctx context.Context, src *source, epoch int, ids []int64, note string, sent *schemas.Samples) (*sight, error) {
	out := &sight{Note: note}
	var photos []preview.Photo
	same := 0
	for i, id := range ids {
		if id >= int64(len(src.images)) {
			return nil, fmt.Errorf("image %d is not in the manifest", id)
		}
		img := src.images[id]
		data, err := bucket.FileOf(img).Read(ctx, b.Datasets)
		if errors.Is(err, bucket.ErrOther) {
			continue // as an augmenter has told people
		}
		if err != nil {
			return nil, err
		}
		photo, err := decode.Image(data, decode.DefaultLimits())
		if err != nil {
			continue // it is among the rejected images
		}
		photos = append(photos, preview.Photo{ID: id, Key: img.Key, Image: photo})
		if sent != nil && equal(src, epoch, id, data, sent, i) {
			same++
		}
	}
	if sent != nil && same == len(photos) {
		out.Note += " Made here again from the plan: the same bits."
	} else if sent != nil {
		out.Note += fmt.Sprintf(" Made here again from the plan: %d of %d images have other bits, as those of another build would.", len(photos)-same, len(photos))
	}
	heads, rows := preview.Rows(src.seed, epoch, src.recipe, photos)
	for _, r := range rows {
		row, err := rowOf(heads, r)
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

func rowOf(heads []string, r sheet.Row) (sightRow, error) {
	row := sightRow{Caption: r.Caption}
	classes := map[color.Color]int{}
	class := func(c color.Color) int {
		if _, known := classes[c]; !known {
			classes[c] = len(classes)
		}
		return classes[c]
	}
	for i, c := range r.Cells {
		cell, err := cellOf(c)
		if err != nil {
			return row, err
		}
		cell.Head = heads[i]
		for _, m := range c.Marks {
			cell.Marks = append(cell.Marks, sightMark{m.Box, class(m.Color)})
		}
		if c.Frame != nil {
			cell.Marks = append(cell.Marks, sightMark{c.Image.Bounds(), class(c.Frame)})
		}
		row.Cells = append(row.Cells, cell)
	}
	return row, nil
}

// equal tells whether the n-th image that was sent has the bits that the plan
// gives it. They are made from the file as an augmenter makes them, which decodes
// no more of it than it needs.
func equal(src *source, epoch int, id int64, file []byte, sent *schemas.Samples, n int) bool {
	sizes, key := src.recipe.Sizes(), pixels.ImageKey(src.seed, epoch, id)
	photo, err := new(decode.Decoder).Source(file, decode.DefaultLimits(), func(w, h int) []pixels.Need {
		return pixels.Needs(src.recipe, w, h, key)
	})
	if err != nil {
		return false
	}
	if len(sizes) != len(sent.Views) {
		return false
	}
	made := make([][]byte, len(sizes))
	for i, size := range sizes {
		made[i] = make([]byte, 3*size*size)
	}
	new(pixels.Renderer).RenderAll(made, photo, src.recipe, key)
	for i, v := range sent.Views {
		if !bytes.Equal(made[i], v.Data[n*len(made[i]):(n+1)*len(made[i])]) {
			return false
		}
	}
	return true
}

// photoSide bounds the photos on the page: they are only there for comparison.
const photoSide = 192

// cellOf packs a picture into the page: exactly if it is small.
func cellOf(c sheet.Cell) (sightCell, error) {
	img := c.Image
	size := img.Bounds().Size()
	out := sightCell{Caption: c.Caption, Wide: size.X, High: size.Y}
	var buf bytes.Buffer
	kind := "image/png"
	var err error
	if long := max(size.X, size.Y); long > photoSide {
		kind = "image/jpeg"
		err = jpeg.Encode(&buf, imaging.Fit(img, photoSide, photoSide, imaging.Lanczos), &jpeg.Options{Quality: 85})
	} else {
		err = png.Encode(&buf, img)
	}
	out.Source = template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(buf.Bytes()))
	return out, err
}
