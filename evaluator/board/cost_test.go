package board

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
)

// counted is a bucket that counts what is asked of it.
type counted struct {
	*bucket.Memory
	gets atomic.Int64
}

func (c *counted) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	c.gets.Add(1)
	return c.Memory.Get(ctx, key, limit)
}

// cost is what a run at work costs with some pages open.
type cost struct {
	from, to  int64 // messages of the trainer's connection, of all kinds
	consumers int   // of metrics, reports, snapshots and rejects, that feed the board
	gets      int64 // objects that the board reads
}

// TestLookingCostsTheTrainerNothing: the same run, watched by nobody, by one and
// by twenty. The trainer sends and receives the same messages, and the board
// itself hears and reads once for all.
func TestLookingCostsTheTrainerNothing(t *testing.T) {
	alone, one, many := costOf(t, 0), costOf(t, 1), costOf(t, 20)
	t.Logf("nobody: %+v; one page: %+v; twenty: %+v", alone, one, many)
	for _, watched := range []cost{one, many} {
		if watched.from != alone.from || watched.to != alone.to {
			t.Errorf("the trainer sends %d and receives %d messages, want %d and %d as when nobody looks", watched.from, watched.to, alone.from, alone.to)
		}
	}
	if alone.consumers != 0 || alone.gets != 0 {
		t.Errorf("have %d consumers and %d reads, want none when nobody looks", alone.consumers, alone.gets)
	}
	if one.consumers == 0 || many.consumers != one.consumers {
		t.Errorf("have %d consumers for twenty pages, want %d as for one", many.consumers, one.consumers)
	}
	if one.gets == 0 || many.gets != one.gets {
		t.Errorf("have %d reads for twenty pages, want %d as for one", many.gets, one.gets)
	}
}

// costOf makes the messages of a run's steps: a split that is asked for, its
// samples that come, and a metric.
func costOf(t *testing.T, pages int) cost {
	const steps = 50
	srv := flowtest.Start(t)
	trainer, augmenter := srv.ConnectAs(t, "trainer"), srv.ConnectAs(t, "augmenter")
	store := &counted{Memory: new(bucket.Memory)}
	b := &bench{t: t, flow: trainer, ledger: ledger.New(store)}
	b.fullRun("forest-1", ledger.Running)
	server := httptest.NewServer(New(t.Context(), Config{Flow: srv.ConnectAs(t, "board"), Runs: store, Beat: time.Millisecond}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	b.url = server.URL
	store.gets.Store(0)

	js, done := srv.JetStream(t), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	taken := make(chan struct{})
	go func() {
		done <- trainer.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer("forest-1"), flow.WorkOptions{}, func(context.Context, flow.Delivery) error {
			taken <- struct{}{}
			return nil
		})
	}()
	waits(t, js, 0)
	var readers []*reader
	for range pages {
		readers = append(readers, b.open("/runs/forest-1/live"))
	}
	for _, r := range readers {
		r.until("step 20 of 40")
	}
	c := cost{gets: store.gets.Load()}
	from, to := srv.Traffic("trainer")
	for step := 21; step <= 20+steps; step++ {
		publish(t, trainer, &schemas.Split{Run: "forest-1", Index: step, Seed: 1, Recipe: tinyRecipe, Images: []schemas.Image{{Key: "photos/a.png"}}})
		publish(t, augmenter, &schemas.Samples{
			Run: "forest-1", Index: step, Fingerprint: "test", Views: []schemas.Pixels{{Size: 8, Data: make([]byte, 3*8*8)}}, Labels: []int32{-1}, IDs: []int64{0},
		})
		<-taken
		publish(t, trainer, &schemas.Metric{Run: "forest-1", Time: time.Now().Add(time.Minute), Step: step, Steps: 100, State: ledger.Running})
	}
	for _, r := range readers {
		r.until("step 70 of 100")
	}
	waits(t, js, steps)
	c.from, c.to = srv.Traffic("trainer")
	c.from, c.to = c.from-from, c.to-to
	for _, stream := range []string{schemas.MetricsStream, schemas.ReportsStream, schemas.SnapshotsStream, schemas.RejectsStream, schemas.SamplesStream} {
		c.consumers += consumersOf(t, js, stream)
	}
	c.consumers -= 2 // the trainer's, and that of evaluators
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return c
}

var tinyRecipe = schemas.Recipe{Views: []schemas.View{{Size: 8, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1}}}}

func publish(t *testing.T, f *flow.Flow, m schemas.Message) {
	t.Helper()
	if err := f.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// waits waits until the trainer has settled that many samples and waits for the
// next: until the server has all that it sends.
func waits(t *testing.T, js jetstream.JetStream, settled uint64) {
	t.Helper()
	name := schemas.SamplesConsumer("forest-1").Durable
	flowtest.Eventually(t, "the trainer", func() bool {
		c, err := js.Consumer(t.Context(), schemas.SamplesStream, name)
		if err != nil {
			return false
		}
		info, err := c.Info(t.Context())
		return err == nil && info.NumWaiting == 1 && info.AckFloor.Consumer == settled
	})
}

func consumersOf(t *testing.T, js jetstream.JetStream, stream string) int {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Consumers
}

// reader is an open page.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
}

// open opens the events of a page, until t ends.
func (b *bench) open(path string) *reader {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { r.Body.Close() })
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 4<<20)
	return &reader{b.t, lines}
}

// until reads events up to one with that text.
func (r *reader) until(text string) {
	r.t.Helper()
	for r.lines.Scan() {
		if strings.Contains(r.lines.Text(), text) {
			return
		}
	}
	r.t.Fatalf("have the end of the events (%v), want %q", r.lines.Err(), text)
}
