// Package drop turns datasets that appear in the bucket into requests for runs.
//
// A dataset is a folder at the top of the bucket. When it has been quiet for a
// while, the runs that it asks for are requested, once for what it is then.
// When it changes and is quiet again, it is another dataset, and so are its
// runs. The listing of the bucket is the truth: nothing has to tell of an
// upload, and nothing is lost while nobody looks.
package drop

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/lease"
	"selfstream/stages/ledger"
)

// SettingsFile is the object in a dataset's folder that may choose methods and
// settings.
const SettingsFile = "selfstream.yaml"

// Config of a Watch.
type Config struct {
	Datasets bucket.Bucket
	Runs     bucket.Bucket // where it is kept what has been seen
	Queue    Queue
	Name     string        // under which it holds the watch; no two processes have the same
	Lease    time.Duration // see lease.Config
	Useful   func() bool   // alike

	// Quiet is how long nothing of a dataset must have changed before its runs
	// are requested; DefaultQuiet if 0.
	Quiet time.Duration

	// Requests are the runs that a dataset asks for with its SettingsFile, nil if
	// it has none. An error is about the file, for the eyes of who wrote it.
	Requests func(dataset, version string, settings []byte) ([]schemas.RunRequest, error)

	Log *slog.Logger
}

// DefaultQuiet is longer than the pauses of most uploads.
const DefaultQuiet = 30 * time.Second

// Queue is where runs are requested.
type Queue interface {
	Ask(context.Context, schemas.RunRequest) error
	Asked(context.Context) ([]string, error) // names of the runs that wait or are at work
}

// Watch looks after the bucket until ctx ends. Of several processes that do, one
// is at work.
func Watch(ctx context.Context, cfg Config) {
	cfg.Quiet = cmp.Or(cfg.Quiet, DefaultQuiet)
	taker := lease.New(lease.Config{Bucket: cfg.Runs, Holder: cfg.Name, Duration: cfg.Lease, Useful: cfg.Useful, Log: cfg.Log})
	for ctx.Err() == nil {
		held, err := taker.Take(ctx, leaseKey)
		if err == nil {
			w := newWatcher(cfg, held)
			w.run()
			held.Release()
			continue
		}
		wait := cfg.poll()
		if other := (*lease.HeldError)(nil); errors.As(err, &other) {
			wait = other.Again
		} else if ctx.Err() == nil {
			cfg.Log.Warn("looking for datasets, will try again", "err", err)
		}
		pause(ctx, wait)
	}
}

// poll is how often the bucket is looked at.
func (c Config) poll() time.Duration { return min(c.Quiet/3, 10*time.Second) }

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// watcher looks after the bucket under a lease.
type watcher struct {
	Config
	ctx    context.Context // of the lease
	kept   bucket.Bucket   // Runs, under the lease
	ledger *ledger.Ledger
	seen   map[string]*sight // by dataset
}

func newWatcher(cfg Config, held *lease.Lease) *watcher {
	return &watcher{Config: cfg, ctx: held.Context(), kept: held.Guard(cfg.Runs), ledger: ledger.New(cfg.Runs), seen: map[string]*sight{}}
}

func (w *watcher) run() {
	for w.ctx.Err() == nil {
		w.look()
		pause(w.ctx, w.poll())
	}
}

// look looks at all datasets that it is time to look at.
func (w *watcher) look() {
	names, err := w.Datasets.Folders(w.ctx, "")
	if err != nil {
		w.warn(err, "looking for datasets, will try again")
		return
	}
	there := map[string]*sight{}
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		s := w.seen[name]
		if s == nil {
			s = &sight{dataset: name}
		}
		there[name] = s
		if time.Now().Before(s.next) {
			continue
		}
		start := time.Now()
		if err := w.visit(s); err != nil {
			w.warn(err, "looking at a dataset, will try again", "dataset", name)
		}
		s.next = time.Now().Add(leisure * time.Since(start))
	}
	w.seen = there
}

// leisure is how many times longer than listing a dataset takes it is left
// alone: large buckets are not listed all the time.
const leisure = 20

func (w *watcher) warn(err error, doing string, args ...any) {
	if w.ctx.Err() == nil {
		w.Log.Warn(doing, append(args, "err", err)...)
	}
}
