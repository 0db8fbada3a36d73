package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/scenes"
)

const (
	demoDataset = "demo"
	demoTrain   = 1600 // pictures, all classes together
	demoTest    = 400
	demoSeed    = 1
)

// fillDataset puts the photos of --data, or the drawn ones, into the bucket.
func (s *upSettings) fillDataset(ctx context.Context, e *env, datasets bucket.Bucket, servers importer) error {
	progress := throttled(e, "copying photos")
	switch {
	case s.data != "":
		r, err := servers.Import(ctx, s.data, s.dataset, progress)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s: %s\n", s.data, r)
		return nil
	case s.dataset == demoDataset:
		return drawDemo(ctx, datasets, throttled(e, "drawing pictures"))
	}
	return nil
}

// drawDemo draws the demonstration's pictures into the bucket, once. The last
// one drawn tells that all are there.
func drawDemo(ctx context.Context, datasets bucket.Bucket, progress func(int)) error {
	return errors.New("not wired")
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

func runDatasets(ctx context.Context, e *env, args []string) error {
	return errors.New("not wired")
}

var _ = tabwriter.NewWriter
var _ = os.Stat
var _ = strings.Join
var _ = scenes.Classes
