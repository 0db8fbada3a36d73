package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"selfstream/augmenter"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/scenes"
	"selfstream/trainer/feed"
	"selfstream/trainer/method"
	"selfstream/trainer/plan"
)

// scaling is a system without augmenters, and the run that they work for.
type scaling struct {
	*system
	share  float64 // of a core, for each augmenter; 0: a worker
	size   int     // of views
	listed *plan.Manifest
	flow   *flow.Flow
	runs   int
}

func newScaling(b *testing.B, size int, share float64) *scaling {
	s := &scaling{system: newSystem(b), size: size, share: share}
	folder := filepath.Join(s.dir, "s3", datasetsBucket, "scaling")
	if from := os.Getenv("SELFSTREAM_PHOTOS"); from != "" {
		if err := os.CopyFS(folder, os.DirFS(from)); err != nil {
			b.Fatal(err)
		}
	} else {
		for key, data := range scenes.All(1, 40, 0) {
			putFile(b, folder, key, data)
		}
	}
	cfg := bucket.Config{Endpoint: "127.0.0.1:" + s.s3Port, AccessKey: chaosKey, SecretKey: chaosSecret, Region: "us-east-1"}
	photos, err := bucket.Open(b.Context(), cfg, datasetsBucket)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(photos.Close)
	d, err := bucket.ReadDataset(b.Context(), photos, nil, "scaling", nil)
	if err != nil {
		b.Fatal(err)
	}
	if s.listed, err = plan.NewManifest(d, schemas.Config{}); err != nil {
		b.Fatal(err)
	}
	s.flow = connectAs(b, s.system, schemas.TrainerService)
	if err := s.flow.Ensure(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// connectAs is a connection with a service's rights.
func connectAs(b *testing.B, s *system, service string) *flow.Flow {
	f, err := flow.Connect(b.Context(), flow.Config{
		URL: s.natsURL(), Name: "benchmark", Service: service, Options: []nats.Option{nats.UserInfo(service, chaosSecret)},
		Guest: service != schemas.TrainerService,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(f.Close)
	return f
}

// measure has n augmenters work for a while.
func (s *scaling) measure(b *testing.B, n int) load {
	s.runs++
	crew := s.crew(b, n)
	defer func() {
		for _, p := range crew {
			p.kill()
		}
	}()
	ctx, stop := context.WithCancel(b.Context())
	batches, wait := s.take(ctx, b, fmt.Sprintf("scaling-%d", s.runs))
	defer wait()
	defer stop()

	for range scalingWarm {
		s.next(b, batches)
	}
	begun, before, images := time.Now(), s.used(b, crew), 0
	for time.Since(begun) < scalingTime {
		images += s.next(b, batches)
	}
	took, after := time.Since(begun), s.used(b, crew)
	l := load{augmenters: n, rate: float64(images) / took.Seconds(), cost: map[string]time.Duration{}}
	for stage := range after {
		l.cost[stage] = (after[stage] - before[stage]) / time.Duration(images)
	}
	return l
}

// crew starts n augmenters.
func (s *scaling) crew(b *testing.B, n int) (all []*process) {
	workers := 1
	if s.share > 0 {
		workers = 2 // one works while the other waits for the queue or the S3
	}
	for i := range n {
		name := fmt.Sprintf("augmenter-%d", i)
		args := append([]string{"augmenter", "--name", name, "--workers", strconv.Itoa(workers)}, s.addresses(schemas.AugmenterService, "127.0.0.1:"+s.s3Port)...)
		p := s.service(name, args...)
		all = append(all, p)
		if s.share == 0 {
			continue
		}
		within, err := newCage(b, fmt.Sprintf("selfstream-%d-%d-%d", os.Getpid(), s.runs, i), s.share)
		if err == nil {
			err = within.hold(p.cmd.Process.Pid)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return all
}

// take takes batches of a new run until ctx ends. Then, wait.
func (s *scaling) take(ctx context.Context, b *testing.B, run string) (batches <-chan *feed.Batch, wait func()) {
	m, err := method.New("simclr", nil)
	if err != nil {
		b.Fatal(err)
	}
	recipe := m.Recipe(s.size)
	f := feed.New(feed.Config{
		Plan: plan.New(run, 1, recipe, s.listed), Recipe: recipe, Fingerprint: augmenter.Fingerprint(), Batch: scalingBatch,
		Holes:   feed.NewHoles(run, len(s.listed.Images), 0, 0, 0, nil),
		Issue:   func(ctx context.Context, split schemas.Split) error { return s.flow.Publish(ctx, &split) },
		Retract: func(ctx context.Context) error { return s.flow.Retract(ctx, run) },
		Log:     slog.New(slog.DiscardHandler),
	})
	var working sync.WaitGroup
	work := func(do func() error) {
		working.Go(func() {
			if err := do(); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		})
	}
	out := make(chan *feed.Batch)
	work(func() error { return f.Run(ctx) })
	work(func() error {
		return s.flow.Work(ctx, schemas.SamplesStream, schemas.SamplesConsumer(run), flow.WorkOptions{Workers: 4}, func(_ context.Context, d flow.Delivery) error {
			samples, err := flow.Decode[schemas.Samples](d)
			if err != nil {
				return err
			}
			a, err := feed.ArrivalOf(d.Header, d.Data)
			if err != nil {
				return err
			}
			return f.Admit(&samples, a)
		})
	})
	work(func() error {
		for {
			batch, err := f.Next(ctx)
			if err != nil {
				return err
			}
			select {
			case out <- batch:
			case <-ctx.Done():
				return nil
			}
		}
	})
	return out, func() {
		working.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := s.flow.Purge(ctx, run); err != nil {
			b.Error(err)
		}
	}
}

// next waits for a batch, and returns how many images it has.
func (s *scaling) next(b *testing.B, batches <-chan *feed.Batch) int {
	select {
	case batch := <-batches:
		return batch.Size()
	case <-time.After(patience):
		b.Fatalf("no batch came in %s", patience)
		return 0
	}
}

// used is the processor time of each stage so far.
func (s *scaling) used(b *testing.B, crew []*process) map[string]time.Duration {
	used := map[string]time.Duration{}
	add := func(stage string, pid int) {
		used[stage] += processorTimeOf(b, pid)
	}
	for _, p := range crew {
		add(stageAugmenters, p.cmd.Process.Pid)
	}
	add(stageNATS, s.nats.cmd.Process.Pid)
	add(stageS3, s.s3.cmd.Process.Pid)
	add(stageTaking, os.Getpid())
	return used
}
