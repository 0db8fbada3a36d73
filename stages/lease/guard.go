package lease

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"selfstream/stages/bucket"
)

// Guard returns b for those who write under the lease. Without the lease
// nothing is written or deleted, and the error is ErrLost.
//
// A process that was asleep between the look at the lease and the writing
// replaces nothing that its successor has written: it only replaces what was
// there before that look.
func (l *Lease) Guard(b bucket.Bucket) bucket.Bucket { return &guarded{b, l} }

type guarded struct {
	bucket.Bucket
	lease *Lease
}

func (g *guarded) Put(ctx context.Context, key string, data []byte) error {
	for {
		old, err := g.Stat(ctx, key)
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return err
		}
		if err := g.held(ctx, "writing", key); err != nil {
			return err
		}
		if !missing && old.ETag == "" { // copied there by hand: nothing to know it by
			return g.Bucket.Put(ctx, key, data)
		}
		if _, err = g.Bucket.Replace(ctx, key, old.ETag, data); !errors.Is(err, bucket.ErrChanged) {
			return err
		}
	}
}

func (g *guarded) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	if err := g.held(ctx, "writing", key); err != nil {
		return "", err
	}
	return g.Bucket.Replace(ctx, key, etag, data)
}

func (g *guarded) Delete(ctx context.Context, key string) error {
	if err := g.held(ctx, "deleting", key); err != nil {
		return err
	}
	return g.Bucket.Delete(ctx, key)
}

// held asks the bucket who has the lease.
func (g *guarded) held(ctx context.Context, doing, key string) error {
	there, _, err := g.lease.taker.read(ctx, g.lease.key)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = g.lease.confirm(there)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", doing, key, err)
	}
	return nil
}
