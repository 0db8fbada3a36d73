// Package augmenter turns splits into samples: it fetches the images of a
// split, decodes each once, makes its views, and publishes them.
//
// Augmenters keep nothing. Any number of them may work on the splits of any
// number of runs, come and go, and make a split twice: the bytes are the same.
package augmenter

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/cache"
	"selfstream/stages/flow"
)

// Config of an augmenter.
type Config struct {
	Flow     *flow.Flow
	Datasets bucket.Bucket // images
	Cache    *cache.Cache  // of their files; nil: none
	Workers  int           // splits at work at once; one for each processor is right where images are near
	Name     string        // under which the samples are known
	Stats    *Stats        // kept up to date; nil: nobody looks
	Log      *slog.Logger  // nil: silent
}

// Run works on splits until ctx ends, and returns nil then. A split whose
// images cannot be fetched for now comes again; a broken image becomes a hole
// of its samples and a Reject; see Make for which is which.
//
// In memory are at most, for each worker: the samples of one split, twice; files
// of 16 MiB together, or one larger one, and parts of tars of 8 MiB; and one image while it is decoded,
// which takes about 50 MB for a photograph of 12 megapixels, and 1.1 GB for the
// worst that decode.DefaultLimits lets through.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Stats == nil {
		cfg.Stats = new(Stats)
	}
	cfg.Workers = max(1, cfg.Workers)
	cfg.Stats.work(-cfg.Workers)
	defer cfg.Stats.work(cfg.Workers)
	a := &augmenter{Config: cfg, rejected: make(map[imageID]bool)}
	cfg.Log.Info("augmenting", "name", cfg.Name, "workers", cfg.Workers, "fingerprint", Fingerprint())
	alive, stop := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { a.beat(alive) })
	defer func() { stop(); beating.Wait() }()
	return cfg.Flow.Work(ctx, schemas.SplitsStream, schemas.SplitsConsumer(), flow.WorkOptions{Workers: cfg.Workers}, a.handle)
}

type augmenter struct {
	Config

	mu       sync.Mutex
	run      string           // of the last split
	told     schemas.Effort   // until the last message
	rejected map[imageID]bool // told people about
}

// bodies are the memory of messages, which is used again from split to split.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

type imageID struct {
	run string
	id  int64
}

// handle makes and publishes the samples of one split.
func (a *augmenter) handle(ctx context.Context, d flow.Delivery) error {
	a.Stats.work(1)
	defer a.Stats.work(-1)
	split, err := flow.Decode[schemas.Split](d)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.run = split.Run
	a.mu.Unlock()
	memory := bodies.Get().(*[]byte)
	defer bodies.Put(memory) // nats.go has copied what was published
	m := maker{from: a.Datasets, cache: a.Cache, stats: a.Stats, log: a.Log, memory: memory}
	samples, err := m.samples(ctx, split)
	if err != nil {
		return err
	}
	start := time.Now()
	defer func() { a.Stats.add(func(c *Counts) { c.Publishing += time.Since(start) }) }()
	if err := a.reject(ctx, samples); err != nil {
		return err
	}
	return a.publish(ctx, samples)
}

// publish sends samples.
func (a *augmenter) publish(ctx context.Context, s *schemas.Samples) error {
	msg, err := schemas.Encode(s)
	if err != nil {
		return flow.Permanent(err)
	}
	msg.Header.Set(schemas.AugmenterHeader, a.Name)
	msg.Header.Set(schemas.SecondsHeader, a.effort().String())
	err = a.Flow.PublishMsg(ctx, msg)
	if errors.Is(err, flow.ErrTooLarge) {
		return flow.Permanent(err)
	}
	if err != nil {
		return err
	}
	a.Stats.add(func(c *Counts) {
		c.Splits++
		c.Images += int64(len(s.IDs))
		c.Holes += int64(len(s.Holes))
		c.Bytes += int64(len(msg.Data))
	})
	return nil
}

// effort is what has been spent since it was asked for the last time.
func (a *augmenter) effort() schemas.Effort {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.Stats.Read().Effort
	since := now.Since(a.told)
	a.told = now
	return since
}

// reject tells people of the holes that this augmenter has not told them of.
func (a *augmenter) reject(ctx context.Context, s *schemas.Samples) error {
	for _, h := range s.Holes {
		id := imageID{s.Run, h.ID}
		if !a.claim(id) {
			continue
		}
		a.Log.Warn("leaving an image out", "run", s.Run, "key", h.Key, "reason", h.Reason)
		err := a.Flow.Publish(ctx, schemas.Reject{Run: s.Run, ID: h.ID, Key: h.Key, Reason: h.Reason})
		if err != nil {
			a.release(id)
			return err
		}
	}
	return nil
}

// maxRejected bounds what an augmenter remembers. Beyond it people hear of an
// image again.
const maxRejected = 100_000

// claim tells whether nobody has been told of an image yet; the caller does so
// then.
func (a *augmenter) claim(id imageID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rejected[id] {
		return false
	}
	if len(a.rejected) >= maxRejected {
		clear(a.rejected)
	}
	a.rejected[id] = true
	return true
}

func (a *augmenter) release(id imageID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.rejected, id)
}
