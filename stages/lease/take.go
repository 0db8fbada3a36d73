package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"selfstream/stages/bucket"
)

// Config of a Taker.
type Config struct {
	Bucket bucket.Bucket

	// Holder names the process. It takes back at once what an earlier process
	// of that name had, so no two that run have the same name.
	Holder string

	// Duration is how long a lease lasts after its last renewal; 15 seconds if 0.
	Duration time.Duration

	// Useful tells whether the process can do its work. While it cannot, its
	// leases are not renewed, and others may have them. nil: it always can.
	Useful func() bool

	Log *slog.Logger // nil: silent
}

// DefaultDuration outlasts a server that restarts.
const DefaultDuration = 15 * time.Second

// Taker takes leases for a process. It may be used by many goroutines at once.
type Taker struct {
	Config
	mu   sync.Mutex
	seen map[string]sighting // by key
}

// sighting is a record that another process wrote, and when it was first seen.
type sighting struct {
	record record
	at     time.Time
}

// New returns a Taker.
func New(cfg Config) *Taker {
	cfg.Duration = cmp.Or(cfg.Duration, DefaultDuration)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Taker{Config: cfg, seen: map[string]sighting{}}
}

// Take takes the lease at key if nobody has it, or if its holder has not been
// heard of since an earlier call long enough ago. Otherwise it returns a
// *HeldError. The lease is renewed until ctx ends or Release is called, one of
// which must happen.
func (t *Taker) Take(ctx context.Context, key string) (*Lease, error) {
	there, info, err := t.read(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("taking a lease: %w", err)
	}
	exists := err == nil
	if exists && !there.Released && there.Holder != t.Holder {
		if again := t.watch(key, there); again > 0 {
			return nil, &HeldError{key, there.Holder, again}
		}
		t.Log.Warn("taking a lease whose holder is not heard of", "key", key, "holder", there.Holder)
	}
	if exists && info.ETag == "" {
		// It was copied there by hand, and cannot be replaced with care.
		if err := t.Bucket.Delete(ctx, key); err != nil {
			return nil, fmt.Errorf("taking a lease: %w", err)
		}
	}
	mine := record{Holder: t.Holder, ID: rand.Text(), Seconds: t.Duration.Seconds()}
	sent := time.Now()
	etag, err := t.Bucket.Replace(ctx, key, info.ETag, mine.marshal())
	if errors.Is(err, bucket.ErrChanged) {
		return nil, &HeldError{key, "another process", t.Duration}
	}
	if err != nil {
		return nil, fmt.Errorf("taking a lease: %w", err)
	}
	t.forget(key)
	l := &Lease{taker: t, key: key, id: mine.ID, record: mine, etag: etag, until: sent.Add(t.Duration), renewed: make(chan struct{})}
	l.ctx, l.lose = context.WithCancelCause(ctx)
	l.keeping.Go(l.keep)
	return l, nil
}

// watch returns for how long the holder may still be at work, as far as this
// process has seen.
func (t *Taker) watch(key string, there record) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.seen[key]
	if first.record != there {
		first = sighting{there, time.Now()}
		t.seen[key] = first
	}
	return there.duration() - time.Since(first.at)
}

func (t *Taker) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, key)
}

const maxRecord = 64 << 10

// read returns the record at key. One that cannot be understood is nobody's.
func (t *Taker) read(ctx context.Context, key string) (record, bucket.Info, error) {
	data, info, err := t.Bucket.Get(ctx, key, maxRecord)
	if err != nil {
		return record{}, info, err
	}
	var r record
	if json.Unmarshal(data, &r) != nil {
		return record{Released: true}, info, nil
	}
	return r, info, nil
}
