package augmenter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
)

// gate is a bucket whose reads go through a function first.
type gate struct {
	bucket.Bucket
	before func(ctx context.Context, key string) error
}

func (g gate) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	if err := g.before(ctx, key); err != nil {
		return nil, bucket.Info{}, err
	}
	return g.Bucket.Get(ctx, key, limit)
}

// start runs an augmenter until the test ends or stop is called, which waits.
func start(t testing.TB, srv *flowtest.Server, b bucket.Bucket, cfg Config) (stop func()) {
	t.Helper()
	cfg.Flow, cfg.Datasets = srv.Connect(t), b
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := Run(ctx, cfg); err != nil {
			t.Errorf("Run: have error %v, want none", err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// sink collects the samples of run "r" by split.
type sink struct {
	mu      sync.Mutex
	bodies  map[int][]byte
	by      map[string]int // number of samples by augmenter
	repeats int
}

func collect(t testing.TB, f *flow.Flow) *sink {
	t.Helper()
	s := &sink{bodies: map[int][]byte{}, by: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		err := f.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer("r"), flow.WorkOptions{},
			func(_ context.Context, d flow.Delivery) error {
				m, err := flow.Decode[schemas.Samples](d)
				if err != nil {
					t.Error(err)
					return err
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.by[d.Header.Get(schemas.AugmenterHeader)]++
				if old, ok := s.bodies[m.Index]; ok {
					s.repeats++
					if !bytes.Equal(old, d.Data) {
						t.Errorf("split %d: a repeat has other bytes", m.Index)
					}
				}
				s.bodies[m.Index] = d.Data
				return nil
			})
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

func (s *sink) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

func issue(t testing.TB, f *flow.Flow, splits ...schemas.Split) {
	t.Helper()
	for _, s := range splits {
		if err := f.Publish(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// cut divides the images of a split among n splits.
func cut(s schemas.Split, n int) []schemas.Split {
	var all []schemas.Split
	for i := range n {
		part := s
		part.Index = i
		part.Images = s.Images[i*len(s.Images)/n : (i+1)*len(s.Images)/n]
		all = append(all, part)
	}
	return all
}

// Any number of augmenters and workers makes the bytes that Make makes.
func TestSameBytes(t *testing.T) {
	var b bucket.Memory
	whole := photos(t, &b, 60)
	whole.Images[7] = put(t, &b, whole.Images[7].ID, "d/cut.jpg", photo(60, 60, 7)[:300])
	splits := cut(whole, 12)
	for _, tc := range []struct{ augmenters, workers int }{{1, 1}, {1, 2}, {1, 8}, {3, 2}} {
		t.Run(fmt.Sprintf("augmenters=%d workers=%d", tc.augmenters, tc.workers), func(t *testing.T) {
			srv := flowtest.Start(t)
			f := srv.Connect(t)
			made := collect(t, f)
			for i := range tc.augmenters {
				start(t, srv, &b, Config{Name: fmt.Sprint("a", i), Workers: tc.workers})
			}
			issue(t, f, splits...)
			flowtest.Eventually(t, "all samples", func() bool { return made.len() == len(splits) })
			for i, split := range splits {
				want, err := Make(t.Context(), split, &b)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(made.bodies[i], marshal(t, want)) {
					t.Errorf("split %d: have other bytes than Make", i)
				}
			}
			for name := range made.by {
				if !strings.HasPrefix(name, "a") {
					t.Errorf("augmenter: have %q, want a0 …", name)
				}
			}
		})
	}
}

// A split whose augmenter stops in the middle is made by another one, at once.
func TestTakeOver(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 5)
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	made := collect(t, f)
	begun := make(chan struct{})
	var once sync.Once
	stuck := gate{&b, func(ctx context.Context, _ string) error {
		once.Do(func() { close(begun) })
		<-ctx.Done()
		return ctx.Err()
	}}
	stop := start(t, srv, stuck, Config{Name: "first"})
	issue(t, f, split)
	<-begun
	from := time.Now()
	stop()
	start(t, srv, &b, Config{Name: "second"})
	flowtest.Eventually(t, "the samples", func() bool { return made.len() == 1 })
	if made.by["second"] != 1 {
		t.Errorf("samples by augmenter: have %v, want one by the second", made.by)
	}
	if have, most := time.Since(from), schemas.SplitsConsumer().AckWait/2; have > most {
		t.Errorf("taking over took %v, want less than %v", have, most)
	}
}

// After NATS was away, all samples come, once the splits are issued again that
// it has lost.
func TestRestart(t *testing.T) {
	for _, tc := range []struct {
		name string
		wipe bool
	}{{"with storage", false}, {"without storage", true}} {
		t.Run(tc.name, func(t *testing.T) {
			var b bucket.Memory
			splits := cut(photos(t, &b, 24), 8)
			srv := flowtest.Start(t)
			f := srv.Connect(t)
			made := collect(t, f)
			begun, resume := make(chan struct{}, 1000), make(chan struct{})
			slow := gate{&b, func(context.Context, string) error {
				begun <- struct{}{}
				<-resume
				return nil
			}}
			for i := range 2 {
				start(t, srv, slow, Config{Name: fmt.Sprint("a", i), Workers: 2})
			}
			issue(t, f, splits...)
			for range 4 * len(splits[0].Images) { // until all workers are in the middle of a split
				<-begun
			}
			srv.Stop()
			if tc.wipe {
				srv.Wipe()
			}
			srv.Start()
			close(resume)
			if tc.wipe {
				issue(t, f, splits...)
			}
			flowtest.Eventually(t, "all samples", func() bool { return made.len() == len(splits) })
			for i, split := range splits {
				want, err := Make(t.Context(), split, &b)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(made.bodies[i], marshal(t, want)) {
					t.Errorf("split %d: have other bytes after a restart", i)
				}
			}
		})
	}
}

// A bucket that is away for a while leaves no holes.
func TestOutage(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 5)
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	made := collect(t, f)
	var calls atomic.Int32
	start(t, srv, gate{&b, func(context.Context, string) error {
		if calls.Add(1) < 8 {
			return errors.New("connection refused")
		}
		return nil
	}}, Config{Name: "a"})
	issue(t, f, split)
	flowtest.Eventually(t, "the samples", func() bool { return made.len() == 1 })
	want, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made.bodies[split.Index], marshal(t, want)) {
		t.Error("have other bytes after an outage")
	}
}

// People hear once of each broken image, in however many epochs it is met, and
// the splits that can be made are made whatever else comes.
func TestRejects(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 6)
	split.Images[2] = put(t, &b, split.Images[2].ID, "d/text.jpg", []byte("text"))
	split.Images[4].Key = "d/gone.jpg"
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	made := collect(t, f)
	var stats Stats
	start(t, srv, &b, Config{Name: "a", Workers: 2, Stats: &stats})

	foreign := schemas.Reject{Run: "r", Key: "k", Reason: "of another type"}
	msg, err := schemas.Encode(foreign)
	if err != nil {
		t.Fatal(err)
	}
	msg.Subject = split.Subject()
	if err := f.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	const epochs = 3
	for epoch := range epochs {
		again := split
		again.Epoch, again.Index = epoch, epoch
		issue(t, f, again)
	}
	flowtest.Eventually(t, "all samples", func() bool { return made.len() == epochs })

	var rejects []string
	ctx, cancel := context.WithCancel(t.Context())
	err = f.Watch(ctx, "rejects.r", flow.WatchOptions{CaughtUp: cancel}, func(d flow.Delivery) error {
		m, err := flow.Decode[schemas.Reject](d)
		rejects = append(rejects, m.Key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rejects)
	if want := []string{"d/gone.jpg", "d/text.jpg"}; !slices.Equal(rejects, want) {
		t.Errorf("rejects: have %q, want %q", rejects, want)
	}
	flowtest.Eventually(t, "the counts", func() bool { return stats.Read().Splits == epochs })
	c := stats.Read()
	if c.Images != 4*epochs || c.Holes != 2*epochs {
		t.Errorf("have %d images and %d holes, want %d and %d", c.Images, c.Holes, 4*epochs, 2*epochs)
	}
	if least := int64(epochs * 4 * split.Recipe.BytesPerImage()); c.Bytes < least {
		t.Errorf("bytes: have %d, want at least %d", c.Bytes, least)
	}
}

// The times are parts of workers × time.
func TestStats(t *testing.T) {
	var b bucket.Memory
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	made := collect(t, f)
	var stats Stats
	from := time.Now()
	stop := start(t, srv, &b, Config{Name: "a", Workers: 2, Stats: &stats})
	issue(t, f, cut(photos(t, &b, 40), 4)...)
	flowtest.Eventually(t, "all samples", func() bool { return made.len() == 4 })
	stop()
	c, most := stats.Read(), 2*time.Since(from)
	if c.Waiting <= 0 || c.Fetching <= 0 || c.Rendering <= 0 || c.Publishing <= 0 {
		t.Errorf("have %+v, want all times above 0", c)
	}
	if sum := c.Waiting + c.Fetching + c.Rendering + c.Publishing; sum > most {
		t.Errorf("have %v in all, want at most %v", sum, most)
	}
	if again := stats.Read(); again != c {
		t.Errorf("counts after the end: have %+v, want %+v", again, c)
	}
}
