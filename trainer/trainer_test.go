package trainer

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
)

// TestChangedDataset: a request for what a dataset was is left to the request
// for what it is.
func TestChangedDataset(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	srv := flowtest.Start(t)
	f, datasets, runs := srv.Connect(t), new(bucket.Memory), new(bucket.Memory)
	for _, key := range []string{"d/1.jpg", "d/2.jpg", "d/3.jpg"} {
		if err := datasets.Put(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	now, err := bucket.ReadVersion(t.Context(), datasets, "d")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(run, version string) {
		t.Helper()
		c := config(func(c *schemas.Config) { c.Batch = 2 })
		if err := f.Publish(t.Context(), schemas.RunRequest{Run: run, Dataset: "d", Version: version, Config: c}); err != nil {
			t.Fatal(err)
		}
	}
	ask("of-then", strings.Repeat("0", 64))
	ask("of-now", now.SHA256)
	ctx, stop := context.WithCancel(context.Background())
	var training sync.WaitGroup
	training.Go(func() {
		err := Run(ctx, Config{Flow: f, Datasets: datasets, Runs: runs, Name: "t", Backend: b, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Error(err)
		}
	})
	defer training.Wait()
	defer stop()
	l := ledger.New(runs)
	exists := func(run string) bool {
		ok, err := l.Exists(ctx, run)
		if err != nil {
			t.Error(err)
		}
		return ok
	}
	flowtest.Eventually(t, "the second run", func() bool { return exists("of-now") })
	if exists("of-then") {
		t.Error("have a run on another dataset than it was asked for, want none")
	}
}
