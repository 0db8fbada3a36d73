package lease_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/bucket/buckettest"
	"selfstream/stages/lease"
)

// TestGuardIsABucket for who has the lease.
func TestGuardIsABucket(t *testing.T) {
	buckettest.Run(t, func(t *testing.T) bucket.Bucket {
		l := take(t, taker(new(bucket.Memory), "a"))
		return l.Guard(new(bucket.Memory))
	})
}

// TestGuardRefuses who has lost the lease, and does not know yet.
func TestGuardRefuses(t *testing.T) {
	b := new(bucket.Memory)
	loser := take(t, taker(b, "a"))
	g := loser.Guard(b)
	if err := g.Put(t.Context(), "k", []byte("of the loser")); err != nil {
		t.Fatal(err)
	}
	heir := take(t, taker(b, "a"))
	for name, err := range map[string]error{
		"Put":       g.Put(t.Context(), "k", []byte("late")),
		"Put a new": g.Put(t.Context(), "new", []byte("late")),
		"Delete":    g.Delete(t.Context(), "k"),
		"Replace":   second(g.Replace(t.Context(), "new", "", []byte("late"))),
	} {
		if !errors.Is(err, lease.ErrLost) {
			t.Errorf("%s: have %v, want %v", name, err, lease.ErrLost)
		}
	}
	if !errors.Is(ended(loser), lease.ErrLost) {
		t.Errorf("have %v, want the loser to know", ended(loser))
	}
	if err := heir.Guard(b).Put(t.Context(), "k", []byte("of the heir")); err != nil {
		t.Error(err)
	}
	have, _, err := g.Get(t.Context(), "k", 100)
	if _, missing := g.Stat(t.Context(), "new"); string(have) != "of the heir" || !errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("have %q (%v) and %v, want what the heir has written alone", have, err, missing)
	}
}

func second[T any](_ T, err error) error { return err }

// drowsy falls asleep before it replaces anything.
type drowsy struct {
	bucket.Bucket
	asleep, wake chan struct{}
}

func (d *drowsy) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	close(d.asleep)
	<-d.wake
	return d.Bucket.Replace(ctx, key, etag, data)
}

// TestGuardSleeps between the look at the lease and the writing, as if the
// process were stopped there.
func TestGuardSleeps(t *testing.T) {
	for _, before := range []string{"", "something"} {
		synctest.Test(t, func(t *testing.T) {
			b := new(bucket.Memory)
			if before != "" {
				if err := b.Put(t.Context(), "k", []byte(before)); err != nil {
					t.Fatal(err)
				}
			}
			d := &drowsy{b, make(chan struct{}), make(chan struct{})}
			loser := take(t, taker(b, "a"))
			late := make(chan error)
			go func() { late <- loser.Guard(d).Put(t.Context(), "k", []byte("late")) }()
			select {
			case <-d.asleep:
			case <-time.After(duration):
				t.Fatal("Replace was not called")
			}
			heir := take(t, taker(b, "a"))
			if err := heir.Guard(b).Put(t.Context(), "k", []byte("of the heir")); err != nil {
				t.Fatal(err)
			}
			d.asleep = make(chan struct{})
			close(d.wake)
			if err := <-late; !errors.Is(err, lease.ErrLost) {
				t.Errorf("have %v, want %v", err, lease.ErrLost)
			}
			if have, _, err := b.Get(t.Context(), "k", 100); string(have) != "of the heir" {
				t.Errorf("have %q (%v), want what the heir has written", have, err)
			}
		})
	}
}
