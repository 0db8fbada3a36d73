package lease_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/lease"
)

const (
	key      = "run/lease.json"
	duration = 15 * time.Second
)

// flaky is a bucket that may be away, or lose its answers.
type flaky struct {
	bucket.Bucket
	away, mute atomic.Bool
}

var errAway = errors.New("the bucket is away")

func (f *flaky) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	if f.away.Load() {
		return nil, bucket.Info{}, errAway
	}
	return f.Bucket.Get(ctx, key, limit)
}

func (f *flaky) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	if f.away.Load() {
		return "", errAway
	}
	tag, err := f.Bucket.Replace(ctx, key, etag, data)
	if err == nil && f.mute.Load() {
		return "", errAway
	}
	return tag, err
}

func taker(b bucket.Bucket, holder string) *lease.Taker {
	return lease.New(lease.Config{Bucket: b, Holder: holder, Duration: duration})
}

func take(t *testing.T, who *lease.Taker) *lease.Lease {
	t.Helper()
	l, err := who.Take(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return l
}

// refused fails the test unless who cannot take the lease of holder, and
// returns when to try again.
func refused(t *testing.T, who *lease.Taker, holder string) time.Duration {
	t.Helper()
	l, err := who.Take(t.Context(), key)
	if err == nil {
		l.Release()
	}
	var held *lease.HeldError
	if !errors.As(err, &held) || held.Holder != holder || held.Again <= 0 || held.Again > duration {
		t.Fatalf("have %v, want that %s holds it", err, holder)
	}
	return held.Again
}

func ended(l *lease.Lease) error { return context.Cause(l.Context()) }

func TestOneHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bucket.Memory)
		a, other := taker(b, "a"), taker(b, "other")
		l := take(t, a)
		for range 10 { // it is renewed all the time
			time.Sleep(refused(t, other, "a"))
		}
		if err := l.Wait(t.Context()); err != nil || ended(l) != nil {
			t.Errorf("have %v and %v, want a lease", err, ended(l))
		}
		l.Release()
		second := take(t, other)
		refused(t, a, "other")
		second.Release()
		take(t, a)
	})
}

// TestHolderDies: its lease is taken when it has not been heard of for long
// enough, by who watched it for as long.
func TestHolderDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(flaky)
		b.Bucket = new(bucket.Memory)
		dead := take(t, taker(b, "dead"))
		b.away.Store(true) // for the dead
		time.Sleep(time.Hour)
		heir := taker(b.Bucket, "heir")
		if again := refused(t, heir, "dead"); again != duration {
			t.Errorf("have to watch for %v, want %v", again, duration)
		}
		time.Sleep(duration / 2)
		if again := refused(t, heir, "dead"); again != duration/2 {
			t.Errorf("have to watch for another %v, want %v", again, duration/2)
		}
		time.Sleep(duration / 2)
		l := take(t, heir)

		waiting, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := dead.Wait(waiting); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who cannot renew: have %v, want to wait", err)
		}
		b.away.Store(false)
		time.Sleep(duration)
		if !errors.Is(ended(dead), lease.ErrLost) || !strings.Contains(ended(dead).Error(), "heir") {
			t.Errorf("who woke up: have %v, want %v to the heir", ended(dead), lease.ErrLost)
		}
		if err := dead.Wait(t.Context()); !errors.Is(err, lease.ErrLost) {
			t.Errorf("who woke up: have %v, want %v", err, lease.ErrLost)
		}
		if ended(l) != nil {
			t.Errorf("the heir: have %v, want a lease", ended(l))
		}
	})
}

// TestNobodyElse: what nobody has taken meanwhile goes on.
func TestNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &flaky{Bucket: new(bucket.Memory)}
		l := take(t, taker(b, "a"))
		b.away.Store(true)
		time.Sleep(time.Hour)
		go func() {
			time.Sleep(time.Minute)
			b.away.Store(false)
		}()
		start := time.Now()
		if err := l.Wait(t.Context()); err != nil || time.Since(start) < time.Minute {
			t.Errorf("have %v after %v, want a renewal when the bucket is back", err, time.Since(start))
		}
	})
}

// TestLostAnswers: the lease was renewed, and its holder does not know.
func TestLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &flaky{Bucket: new(bucket.Memory)}
		l := take(t, taker(b, "a"))
		b.mute.Store(true)
		time.Sleep(duration)
		b.mute.Store(false)
		time.Sleep(duration)
		if err := l.Wait(t.Context()); err != nil {
			t.Errorf("have %v, want a lease", err)
		}
		refused(t, taker(b, "b"), "a")
	})
}

// TestSameName: who has died and was started again need not wait for itself.
func TestSameName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bucket.Memory)
		before := take(t, taker(b, "a"))
		take(t, taker(b, "a"))
		time.Sleep(duration)
		if !errors.Is(ended(before), lease.ErrLost) {
			t.Errorf("have %v, want %v", ended(before), lease.ErrLost)
		}
	})
}

// TestUseless: who cannot work gives way, but only if somebody else wants to.
func TestUseless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bucket.Memory)
		var useful atomic.Bool
		l := take(t, lease.New(lease.Config{Bucket: b, Holder: "a", Duration: duration, Useful: useful.Load}))
		other := taker(b, "b")
		time.Sleep(refused(t, other, "a") - time.Second)
		useful.Store(true)
		time.Sleep(duration)
		if err := l.Wait(t.Context()); err != nil {
			t.Errorf("have %v, want a lease that nobody has taken", err)
		}
		useful.Store(false)
		time.Sleep(duration / 2) // for the last renewal
		time.Sleep(refused(t, other, "a"))
		take(t, other)
	})
}

// TestRecordsOfNobody: what is no lease cannot be held by anybody.
func TestRecordsOfNobody(t *testing.T) {
	for _, text := range []string{"", "{", "[]"} {
		b := new(bucket.Memory)
		if err := b.Put(t.Context(), key, []byte(text)); err != nil {
			t.Fatal(err)
		}
		take(t, taker(b, "a")).Release()
	}
}

// TestDeleted: who forgets a run by deleting its folder has it stopped.
func TestDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bucket.Memory)
		l := take(t, taker(b, "a"))
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(duration)
		if !errors.Is(ended(l), lease.ErrLost) {
			t.Errorf("have %v, want %v", ended(l), lease.ErrLost)
		}
	})
}

// TestContextEnds: with it the lease does, for who asked for it.
func TestContextEnds(t *testing.T) {
	b := new(bucket.Memory)
	ctx, stop := context.WithCancelCause(t.Context())
	l, err := taker(b, "a").Take(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("told to stop")
	stop(why)
	<-l.Context().Done()
	if !errors.Is(ended(l), why) {
		t.Errorf("have %v, want %v", ended(l), why)
	}
	if err := l.Guard(b).Put(t.Context(), "last words", nil); err != nil {
		t.Errorf("have %v, want to write until the lease is given back", err)
	}
	l.Release()
	take(t, taker(b, "b"))
}

// TestTakeRefuses what is no reason to wait.
func TestTakeRefuses(t *testing.T) {
	b := &flaky{Bucket: new(bucket.Memory)}
	b.away.Store(true)
	if _, err := taker(b, "a").Take(t.Context(), key); !errors.Is(err, errAway) {
		t.Errorf("have %v, want %v", err, errAway)
	}
	if _, err := taker(b.Bucket, "a").Take(t.Context(), "a//b"); !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v, want one about the key", err)
	}
}
