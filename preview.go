package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/preview"
	"selfstream/stages/scenes"
	"selfstream/trainer/plan"
)

func runPreview(ctx context.Context, e *env, args []string) error {
	o := newOptions("preview", "", "Draws what the encoder will see of some photos: the views of a run's first epoch.")
	data := o.String("data", "", "`folder` of photos; without it, the demonstration's pictures")
	out := o.String("out", "preview.png", "PNG `file` to write")
	count := o.Int("photos", 6, "photos to show")
	asked := o.runFlags()
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if *count < 1 {
		return usageError{fmt.Errorf("photos: have %d, want at least 1", *count)}
	}
	m, err := asked.complete()
	if err != nil {
		return err
	}
	c := asked.config
	recipe := m.Recipe(c.ImageSize)
	if err := recipe.Validate(); err != nil {
		return usageError{err}
	}
	from, name := source(demoPhotos), demoDataset
	if *data != "" {
		from, name = folderPhotos(*data), datasetName(*data)
	}
	shown, err := choose(ctx, e, from, name, c, *count)
	if err != nil {
		return err
	}
	sheet := preview.Sheet(fmt.Sprintf("%s on %s", c.Method, name), c.Seed, recipe, shown)
	var buf bytes.Buffer
	if err := png.Encode(&buf, sheet.Draw(preview.CellSize(recipe))); err != nil {
		return fmt.Errorf("drawing the preview: %w", err)
	}
	if err := os.WriteFile(*out, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the preview: %w", err)
	}
	fmt.Fprintf(e.stdout, "wrote %s: %d photos, %d views each\n", *out, len(shown), len(recipe.Sizes()))
	return nil
}

// A source opens what a preview finds its pictures in, as a dataset of that name.
type source func(ctx context.Context, name string) (bucket.Source, error)

// choose decodes some photos, spread evenly over the dataset. Their ids, and
// with them all that chance decides, are those of a run on it. Broken ones are
// named and left out.
func choose(ctx context.Context, e *env, from source, name string, c schemas.Config, n int) ([]preview.Photo, error) {
	files, err := from(ctx, name)
	if err != nil {
		return nil, err
	}
	d, err := bucket.ReadDataset(ctx, files, nil, name, nil)
	if err != nil {
		return nil, err
	}
	listed, err := plan.NewManifest(d, c)
	if err != nil {
		return nil, err
	}
	images := listed.Images
	var chosen []preview.Photo
	n = min(n, len(images))
	for i := range n {
		img := images[i*len(images)/n]
		data, err := bucket.FileOf(img).Read(ctx, files)
		if err != nil {
			return nil, fmt.Errorf("reading a photo: %w", err)
		}
		pixels, err := decode.Image(data, decode.DefaultLimits())
		if err != nil {
			fmt.Fprintf(e.stderr, "leaving out %s: %v\n", img.Key, err)
			continue
		}
		chosen = append(chosen, preview.Photo{ID: img.ID, Key: img.Key, Image: pixels})
	}
	if len(chosen) == 0 {
		return nil, errors.New("none of the photos could be shown")
	}
	return chosen, nil
}

// folderPhotos are the files below a folder.
func folderPhotos(dir string) source {
	return func(_ context.Context, name string) (bucket.Source, error) { return folder{dir, name + "/"}, nil }
}

// demoPhotos are one of each class of the demonstration's pictures.
func demoPhotos(ctx context.Context, name string) (bucket.Source, error) {
	drawn := new(bucket.Memory)
	for key, data := range scenes.All(demoSeed, 1, 0) {
		if err := drawn.Put(ctx, path.Join(name, key), data); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}
