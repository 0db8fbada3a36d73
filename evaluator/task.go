package evaluator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/trainer/snapshot"
)

// selectionDocument lies in the folder of the run.
const selectionDocument = "probe-images.json"

// selection returns the images to probe the run with, and chooses them for its
// first snapshot.
func (e *evaluator) selection(ctx context.Context, s schemas.Snapshot) (selection, error) {
	var chosen selection
	err := e.ledger.Read(ctx, s.Run, selectionDocument, &chosen)
	if !errors.Is(err, fs.ErrNotExist) {
		return chosen, err
	}
	card, err := snapshot.ReadCard(ctx, e.Runs, s.Prefix)
	if err != nil {
		return chosen, err
	}
	if err := card.Config.Validate(); err != nil {
		return chosen, fmt.Errorf("%w: its card: %w", errHopeless, err)
	}
	chosen, d, err := e.choose(ctx, card.Dataset, card.Config.ImageSize)
	if errors.Is(err, bucket.ErrNoImages) { // it was deleted
		err = fmt.Errorf("%w: %w", errHopeless, err)
	}
	if err != nil {
		return chosen, err
	}
	chosen.Unseen = unseen(d, card.Recipe, e.ImageBytes/4)
	common, err := pairRecipe(card.Config.ImageSize)
	if err != nil {
		return chosen, err
	}
	chosen.Twins = len(card.Recipe.Views) == 2
	chosen.Paired = chosen.paired(common, card.Recipe, e.ImageBytes/4)
	if chosen.Trained, err = e.trained(ctx, s.Run); err != nil {
		return chosen, err
	}
	return chosen, e.ledger.Write(ctx, s.Run, selectionDocument, chosen)
}

// choose selects images of a dataset, for an encoder of that size.
func (e *evaluator) choose(ctx context.Context, dataset string, size int) (selection, *bucket.Dataset, error) {
	d, err := bucket.ReadDataset(ctx, e.Datasets, e.Runs, dataset, nil)
	if err != nil {
		return selection{}, nil, err
	}
	train, test := e.limits(size)
	return choose(d, train, test), d, nil
}

// limits are how many images may be looked at: fewer of large ones.
func (e *evaluator) limits(size int) (train, test int) {
	train, test = e.TrainImages, e.TestImages
	if room := int(e.ImageBytes) / bytesOf(size); train+test > room {
		train = room * train / (train + test)
		test = room - train
	}
	return train, test
}

// features shows the images to the encoder of the snapshot. Of the untrained
// encoder and of the run's last snapshot the probes look at every stage, so that
// the best can be compared with the best; of those between at the last stage
// alone, since a probe of all takes about twice the time.
func (c *candidate) features(ctx context.Context) ([]stage, error) {
	if c.stages != nil {
		return c.stages, nil
	}
	store, card, err := snapshot.ReadEncoder(ctx, c.Runs, c.snapshot.Prefix)
	if err != nil {
		return nil, err
	}
	defer store.Finalize()
	if err := c.load(ctx, c.chosen, card.Config.ImageSize); err != nil {
		return nil, err
	}
	x, err := newExtractor(c.Backend, store, card.Config.Encoder, c.everything || c.snapshot.Step == 0 || c.snapshot.Final)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHopeless, err)
	}
	defer x.close()
	train, err := x.extract(ctx, c.images.train)
	var test []Features
	if err == nil {
		test, err = x.extract(ctx, c.images.test)
	}
	if err != nil {
		return nil, hopeless(ctx, err)
	}
	var stages []stage
	for i, name := range x.stages {
		stages = append(stages, stage{name, Task{Classes: c.chosen.Classes, Train: train[i], Test: test[i], Compared: len(x.stages) > 1}})
	}
	if err := c.pair(ctx, x, card, &stages[len(stages)-1].Task); err != nil {
		return nil, err
	}
	c.stages = stages
	return stages, nil
}

// load makes sure that e.images are the chosen ones.
func (e *evaluator) load(ctx context.Context, chosen selection, size int) error {
	if e.images.train.size == size && reflect.DeepEqual(e.images.of, chosen) {
		return nil
	}
	e.images = images{} // makes room
	train, err := loadPixels(ctx, e.Datasets, chosen.Train, size)
	if err != nil {
		return err
	}
	test, err := loadPixels(ctx, e.Datasets, chosen.Test, size)
	if err != nil {
		return err
	}
	if len(train.labels) == 0 || chosen.labelled() && (len(test.labels) == 0 || len(distinct(train.labels)) < 2) {
		return fmt.Errorf("%w: %d of the %d images chosen for it could not be read",
			errHopeless, train.broken+test.broken, len(chosen.Train)+len(chosen.Test))
	}
	e.images = images{of: chosen, train: train, test: test}
	return nil
}

// images are what a selection selects, in memory.
type images struct {
	of          selection
	train, test pixels
}

// note is what people should know about the images.
func (i images) note() string {
	var notes []string
	if i.of.Note != "" {
		notes = append(notes, i.of.Note)
	}
	if n := i.train.broken + i.test.broken; n > 0 {
		notes = append(notes, fmt.Sprintf("%d of the %d chosen images could not be read and are left out", n, len(i.of.Train)+len(i.of.Test)))
	}
	return strings.Join(notes, "; ")
}
