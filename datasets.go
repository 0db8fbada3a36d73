package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/local"
	"selfstream/stages/scenes"
)

// The demonstration's dataset.
const (
	demoDataset = "demo"
	demoSeed    = 1
	demoTrain   = 160 // pictures of each class
	demoTest    = 40
)

// drawDemo draws the demonstration's pictures into the bucket, if they are not
// there.
func drawDemo(ctx context.Context, datasets bucket.Bucket, progress func(int)) error {
	const marker = demoDataset + "/.drawn" // hidden from listings; written last
	want := fmt.Sprintf("%d %d %d\n", demoSeed, demoTrain, demoTest)
	have, _, err := datasets.Get(ctx, marker, 1<<10)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for the demonstration's pictures: %w", err)
	}
	if string(have) == want {
		return nil
	}
	n := 0
	for key, png := range scenes.All(demoSeed, demoTrain, demoTest) {
		if err := datasets.Put(ctx, demoDataset+"/"+key, png); err != nil {
			return fmt.Errorf("drawing the demonstration's pictures: %w", err)
		}
		n++
		progress(n)
	}
	return datasets.Put(ctx, marker, []byte(want))
}

// throttled tells a person about progress now and then.
func throttled(e *env, doing string) func(int) {
	told := time.Now()
	return func(n int) {
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			fmt.Fprintf(e.stdout, "%s: %d\n", doing, n)
		}
	}
}

// listDatasets writes what is in the bucket, one line a dataset.
func listDatasets(ctx context.Context, e *env, datasets bucket.Bucket) error {
	names, err := datasetNames(ctx, datasets)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintln(e.stdout, "no datasets yet; add one with: selfstream datasets put FOLDER")
		return nil
	}
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "dataset\timages\theld out\tclasses\tother files")
	for _, name := range names {
		d, err := bucket.ReadDataset(ctx, datasets, name, nil)
		if err != nil {
			fmt.Fprintf(tw, "%s\t%v\n", name, err)
			continue
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\n", name, len(d.Train), len(d.Test), len(d.Classes), d.Others.Count)
	}
	return tw.Flush()
}

func datasetNames(ctx context.Context, datasets bucket.Bucket) ([]string, error) {
	var names []string
	for info, err := range datasets.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("listing datasets: %w", err)
		}
		name, _, nested := strings.Cut(info.Key, "/")
		if nested && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func runDatasets(ctx context.Context, e *env, args []string) error {
	o := newOptions("datasets", "ls | put FOLDER [NAME] | get NAME", "Lists the datasets in the bucket, adds a folder of photos, or downloads a well-known dataset.")
	at := o.placeFlags()
	if err := o.parse(e, args, 3); err != nil {
		return err
	}
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	return listDatasets(ctx, e, b.datasets)
}

// fillDataset puts the photos of --data, or the drawn ones, into the bucket.
func (s *upSettings) fillDataset(ctx context.Context, e *env, servers *local.Local, datasets bucket.Bucket) error {
	switch {
	case s.data != "":
		return importFolder(ctx, e, servers.Import, s.data, s.dataset)
	case s.dataset == demoDataset:
		return drawDemo(ctx, datasets, throttled(e, "drawing pictures"))
	}
	return nil
}

// importFolder makes a folder the dataset of that name.
func importFolder(ctx context.Context, e *env, into func(context.Context, string, string, func(int)) (local.Imported, error), dir, name string) error {
	done, err := into(ctx, dir, name, throttled(e, "adding photos"))
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "dataset %s: %d files of %s, %d of them new\n", name, done.Files, dir, done.Added)
	if n := done.Skipped.Count; n > 0 {
		fmt.Fprintf(e.stdout, "%d files could not be read, such as %s\n", n, strings.Join(done.Skipped.Names, ", "))
	}
	return nil
}
