package drop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

const quiet = 30 * time.Second

// world is a bucket and a queue, in a time of its own.
type world struct {
	t              *testing.T
	datasets, runs *counting
	queue          queue
	log            *lines
}

func newWorld(t *testing.T) *world {
	return &world{t: t, datasets: &counting{Bucket: new(bucket.Memory)}, runs: &counting{Bucket: new(bucket.Memory)}, log: new(lines)}
}

// watch starts a watcher and returns a function that kills it.
func (w *world) watch(name string) (kill func()) {
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		Watch(ctx, Config{
			Datasets: w.datasets, Runs: w.runs, Queue: &w.queue, Name: name, Quiet: quiet, Requests: requests,
			Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		})
	})
	kill = sync.OnceFunc(func() { stop(); watching.Wait() })
	w.t.Cleanup(kill)
	return kill
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// requests asks for one run, or for those that the settings name.
func requests(dataset, version string, settings []byte) (all []schemas.RunRequest, err error) {
	if settings == nil {
		settings = []byte("run")
	}
	for name := range strings.FieldsSeq(string(settings)) {
		if name == "bad" {
			return nil, errors.New("bad settings")
		}
		all = append(all, schemas.RunRequest{Run: dataset + "-" + name + "-" + version[:4], Dataset: dataset, Version: version})
	}
	return all, nil
}

// put writes a file of a dataset.
func (w *world) put(key, data string) {
	w.t.Helper()
	if err := w.datasets.Put(w.t.Context(), key, []byte(data)); err != nil {
		w.t.Fatal(err)
	}
}

// asked holds the runs that were asked for since the last call against want,
// which leaves out their versions.
func (w *world) asked(want ...string) {
	w.t.Helper()
	var have []string
	for _, r := range w.queue.take() {
		have = append(have, r.Run[:strings.LastIndex(r.Run, "-")])
	}
	if !slices.Equal(have, want) {
		w.t.Errorf("asked for %v, want %v\n%s", have, want, w.log)
	}
}

// begin is a trainer that begins all runs that wait.
func (w *world) begin() {
	w.t.Helper()
	for _, r := range w.queue.empty() {
		if err := ledger.New(w.runs).Write(w.t.Context(), r.Run, ledger.Request, r); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) record(dataset string) Record {
	w.t.Helper()
	r, err := Read(w.t.Context(), w.runs, dataset)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.watch("a")
		time.Sleep(time.Hour)
		w.asked()

		for i := range 100 { // an upload that takes its time
			w.put(fmt.Sprintf("photos/%03d.jpg", i), "x")
			time.Sleep(quiet - time.Second)
		}
		w.asked()
		time.Sleep(quiet)
		w.asked("photos-run")
		time.Sleep(time.Hour)
		w.asked() // it waits in the queue
		w.begin()
		time.Sleep(time.Hour)
		w.asked()
		if have := w.record("photos"); len(have.Runs) != 1 || have.Waiting != nil {
			t.Errorf("have %+v, want one run that nobody waits for", have)
		}

		before := w.record("photos").Version
		w.put("photos/100.jpg", "x")
		time.Sleep(time.Hour)
		w.asked("photos-run")
		if after := w.record("photos").Version; after == before {
			t.Error("have the same version of a dataset that has grown")
		}
	})
}

func TestDropSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.watch("a")
		w.put("photos/1.jpg", "x")
		w.put("photos/selfstream.yaml", "one two")
		time.Sleep(time.Minute)
		w.asked("photos-one", "photos-two")

		w.put("photos/selfstream.yaml", "one bad")
		time.Sleep(time.Hour)
		w.asked()
		if have := w.record("photos"); have.Problem != "selfstream.yaml: bad settings" || have.Runs != nil {
			t.Errorf("have %+v, want the problem and no runs", have)
		}
		if have := strings.Count(w.log.String(), "bad settings"); have != 1 {
			t.Errorf("have told of it %d times, want once\n%s", have, w.log)
		}

		w.put("photos/selfstream.yaml", strings.Repeat("x", maxSettings+1))
		time.Sleep(time.Hour)
		w.asked()
		if have := w.record("photos"); !strings.Contains(have.Problem, "too large") {
			t.Errorf("have %+v, want a problem with the size", have)
		}

		w.put("photos/selfstream.yaml", "three")
		time.Sleep(time.Hour)
		w.asked("photos-three")
		if have := w.record("photos"); have.Problem != "" {
			t.Errorf("have %+v, want no problem", have)
		}
	})
}

// TestDropNoImages: of what nothing can be learned from one line is told.
func TestDropNoImages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.watch("a")
		w.put("notes/a.txt", "no photo")
		w.put("hidden/.a.jpg", "not shown")
		w.put(".trash/a.jpg", "not shown")
		w.put("top.jpg", "in no dataset")
		time.Sleep(time.Hour)
		w.asked()
		if have := strings.Count(w.log.String(), "level=WARN"); have != 1 || !strings.Contains(w.log.String(), "no images among the 1 files below notes/") {
			t.Errorf("have %d warnings, want one that names the dataset\n%s", have, w.log)
		}
		w.put("notes/a.jpg", "a photo")
		time.Sleep(time.Hour)
		w.asked("notes-run")
	})
}

// TestDropRestarts: what was asked for is not asked for again, and what was not
// yet is.
func TestDropRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		kill := w.watch("a")
		w.put("one/1.jpg", "x")
		time.Sleep(time.Minute)
		w.begin()
		w.put("two/1.jpg", "x")
		time.Sleep(quiet / 2)
		kill()
		w.asked("one-run")
		w.put("three/1.jpg", "x")
		time.Sleep(time.Hour)
		w.watch("a")
		time.Sleep(time.Hour)
		w.asked("three-run", "two-run")
	})
}

// TestDropQueueLost: what waits in a queue that loses all is asked for again.
func TestDropQueueLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.watch("a")
		w.put("photos/1.jpg", "x")
		w.put("photos/selfstream.yaml", "one two three")
		time.Sleep(time.Minute)
		w.asked("photos-one", "photos-two", "photos-three")
		first := w.record("photos").Waiting[0]
		if err := ledger.New(w.runs).Write(t.Context(), first.Run, ledger.State, ledger.Status{State: ledger.Failed}); err != nil {
			t.Fatal(err)
		}
		w.queue.empty()
		time.Sleep(2 * time.Minute)
		w.asked("photos-two", "photos-three")
		time.Sleep(time.Hour)
		w.asked()
	})
}

// TestDropShared: of several watchers one is at work, and when that dies another
// one.
func TestDropShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		kill := w.watch("a")
		time.Sleep(time.Second)
		for _, name := range []string{"b", "c", "d"} {
			w.watch(name)
		}
		w.put("one/1.jpg", "x")
		time.Sleep(time.Hour)
		w.asked("one-run")
		kill()
		w.put("two/1.jpg", "x")
		time.Sleep(time.Hour)
		w.asked("two-run")
	})
}

// TestDropTrouble: nothing is lost while the bucket or the queue is away, and
// the log is not flooded.
func TestDropTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.watch("a")
		w.put("photos/1.jpg", "x")
		w.queue.fail(true)
		w.datasets.fail(true)
		time.Sleep(time.Minute)
		w.datasets.fail(false)
		time.Sleep(time.Minute)
		w.runs.fail(true)
		time.Sleep(time.Minute)
		w.runs.fail(false)
		time.Sleep(time.Minute)
		w.queue.fail(false)
		w.asked()
		time.Sleep(time.Minute)
		w.asked("photos-run")
	})
}

// TestDropIsCheap: a dataset that takes long to list is listed seldom.
func TestDropIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.datasets.pace = 10 * time.Second
		w.put("photos/1.jpg", "x")
		w.watch("a")
		time.Sleep(10 * time.Minute)
		w.begin()
		w.datasets.listings()
		time.Sleep(100 * time.Minute)
		// 10 s of listing, then 200 s of leisure, rounded up to the next poll.
		if have := w.datasets.listings(); have < 25 || have > 30 {
			t.Errorf("have listed it %d times in 100 minutes, want 25 to 30", have)
		}
	})
}

// TestSkip: a dataset that somebody has asked a run for is left alone until it
// changes.
func TestSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("photos/1.jpg", "x")
		if err := Skip(t.Context(), w.datasets, w.runs, "photos", "mine"); err != nil {
			t.Fatal(err)
		}
		w.watch("a")
		time.Sleep(time.Hour)
		w.asked()
		w.put("photos/2.jpg", "x")
		time.Sleep(time.Hour)
		w.asked("photos-run")
		if err := Skip(t.Context(), w.datasets, w.runs, "none", "mine"); err != nil {
			t.Errorf("a dataset that does not exist: have %v, want nothing to be done", err)
		}
	})
}

var errAway = errors.New("away")

// counting is a bucket that counts its listings, takes its time for them, and
// may be away.
type counting struct {
	bucket.Bucket
	pace time.Duration

	mu     sync.Mutex
	listed int
	away   bool
}

// listings are how many there have been since it was called last.
func (b *counting) listings() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.listed = 0 }()
	return b.listed
}

func (b *counting) fail(away bool) { b.mu.Lock(); defer b.mu.Unlock(); b.away = away }

func (b *counting) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	return nil
}

func (b *counting) List(ctx context.Context, prefix string) iter.Seq2[bucket.Info, error] {
	b.mu.Lock()
	b.listed++
	b.mu.Unlock()
	time.Sleep(b.pace)
	return b.Bucket.List(ctx, prefix)
}

func (b *counting) Folders(ctx context.Context, prefix string) ([]string, error) {
	if err := b.err(); err != nil {
		return nil, err
	}
	return b.Bucket.Folders(ctx, prefix)
}

func (b *counting) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	if err := b.err(); err != nil {
		return "", err
	}
	return b.Bucket.Replace(ctx, key, etag, data)
}

// queue keeps what is asked for.
type queue struct {
	mu      sync.Mutex
	away    bool
	waiting []schemas.RunRequest
	asked   []schemas.RunRequest
}

func (q *queue) fail(away bool) { q.mu.Lock(); defer q.mu.Unlock(); q.away = away }

func (q *queue) Ask(_ context.Context, r schemas.RunRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return errAway
	}
	q.waiting, q.asked = append(q.waiting, r), append(q.asked, r)
	return nil
}

func (q *queue) Asked(context.Context) (names []string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return nil, errAway
	}
	for _, r := range q.waiting {
		names = append(names, r.Run)
	}
	return names, nil
}

// take returns what was asked for since it was called last.
func (q *queue) take() []schemas.RunRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.asked = nil }()
	return q.asked
}

// empty removes all that waits.
func (q *queue) empty() []schemas.RunRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.waiting = nil }()
	return q.waiting
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.String() }
