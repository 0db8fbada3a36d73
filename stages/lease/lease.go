// Package lease turns an object of a bucket into a right that one process has
// at a time, and keeps those who have lost it from writing.
//
// The right lies in the bucket, beside what it protects, and not in the queue,
// which may lose all that it holds. No clocks are compared: whoever wants a
// lease watches it, and may take it when its holder has not renewed it for its
// Duration. A holder works only while less than that has passed since it last
// did. So no two work at once, and what one that was asleep still sends is
// refused; see Lease.Guard.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"selfstream/stages/bucket"
)

// ErrLost is the cause with which the context of a lease ends that another
// process has taken.
var ErrLost = errors.New("another process has taken the lease")

// HeldError is returned by Take for a lease that another process has.
type HeldError struct {
	Key, Holder string
	Again       time.Duration // after which to try again
}

func (e *HeldError) Error() string { return fmt.Sprintf("%s is held by %q", e.Key, e.Holder) }

// record is what lies in the bucket. Each one differs from all before.
type record struct {
	Holder   string  `json:"holder"`
	ID       string  `json:"id"`      // of this holding, at random
	Beat     int     `json:"beat"`    // times that it was renewed
	Seconds  float64 `json:"seconds"` // without another beat after which it may be taken
	Released bool    `json:"released,omitempty"`
}

func (r record) duration() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }

// Lease is a right that this process has, until its context ends.
type Lease struct {
	taker *Taker
	key   string
	id    string // of this holding
	ctx   context.Context
	lose  context.CancelCauseFunc

	keeping sync.WaitGroup // whoever renews the lease also has:
	record  record
	etag    string

	mu      sync.Mutex
	until   time.Time     // when others may take it
	renewed chan struct{} // closed by the next renewal
}

// Context ends with the one that Take was called with, or with the cause
// ErrLost.
func (l *Lease) Context() context.Context { return l.ctx }

// Wait returns when nobody else can have the lease: at once as a rule, or when
// a renewal that is overdue has succeeded. It returns the cause if the lease or
// ctx ends first.
func (l *Lease) Wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		until, renewed := l.until, l.renewed
		l.mu.Unlock()
		switch {
		case l.ctx.Err() != nil:
			return context.Cause(l.ctx)
		case time.Now().Before(until):
			return nil
		}
		select {
		case <-renewed:
		case <-l.ctx.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// renewals is how often a lease is renewed within its duration.
const renewals = 3

// keep renews the lease until its context ends.
func (l *Lease) keep() {
	tick := time.NewTicker(l.taker.Duration / renewals)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		if l.taker.Useful != nil && !l.taker.Useful() {
			continue
		}
		if err := l.renew(l.ctx, false); err != nil && l.ctx.Err() == nil {
			l.taker.Log.Warn("renewing a lease", "key", l.key, "err", err)
		}
	}
}

// renew writes the next record.
func (l *Lease) renew(ctx context.Context, release bool) error {
	ctx, cancel := context.WithTimeout(ctx, l.taker.Duration)
	defer cancel()
	next := l.record
	next.Beat++
	next.Released = release
	for {
		sent := time.Now()
		etag, err := l.taker.Bucket.Replace(ctx, l.key, l.etag, next.marshal())
		if errors.Is(err, bucket.ErrChanged) {
			if err = l.learn(ctx); err == nil {
				continue // an answer was lost, and with it the ETag
			}
		}
		if err != nil {
			return err
		}
		l.record, l.etag = next, etag
		l.mu.Lock()
		defer l.mu.Unlock()
		l.until = sent.Add(l.taker.Duration)
		close(l.renewed)
		l.renewed = make(chan struct{})
		return nil
	}
}

// learn reads the ETag of the lease, which the last renewal did not tell.
func (l *Lease) learn(ctx context.Context) error {
	there, info, err := l.taker.read(ctx, l.key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.etag = info.ETag
	return l.confirm(there)
}

// confirm ends the context of the lease if the record that is there is not of
// this holding.
func (l *Lease) confirm(there record) error {
	if there.ID == l.id {
		return nil
	}
	err := fmt.Errorf("%s: %w", l.key, ErrLost)
	if there.Holder != "" {
		err = fmt.Errorf("%w: %q has it", err, there.Holder)
	}
	l.lose(err)
	return err
}

// Release gives the lease back, so that another process need not wait for it.
func (l *Lease) Release() {
	lost := errors.Is(context.Cause(l.ctx), ErrLost)
	l.lose(context.Canceled)
	l.keeping.Wait()
	if lost {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), lastWords)
	defer cancel()
	if err := l.renew(ctx, true); err != nil && !errors.Is(err, ErrLost) {
		l.taker.Log.Warn("giving back a lease, which will run out", "key", l.key, "err", err)
	}
}

// lastWords is how long giving back may take.
const lastWords = 3 * time.Second

func (r record) marshal() []byte {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		panic("marshalling a lease: " + err.Error()) // strings and finite numbers always marshal
	}
	return append(text, '\n')
}
