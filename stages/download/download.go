// Package download brings well-known datasets into the bucket: from their
// owners' addresses, checked against their published checksums, as one image
// file an object.
package download

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"selfstream/stages/bucket"
)

// Set is a well-known dataset.
type Set struct {
	Name      string   // such as "cifar10"; also its name in the bucket
	About     string   // one line for people
	Addresses []string // of one and the same archive; the first is the owner's
	MD5       string   // of the archive, as published

	// unpack puts the images of an archive, with keys as "train/cat/1.png". It
	// reports how far it is in bytes of the archive.
	unpack func(ctx context.Context, archive string, put putFunc, progress func(done, total int64)) error
}

// putFunc writes an object below the dataset. It may return before it has, and
// keeps data; what went wrong comes out later.
type putFunc func(key string, data func() ([]byte, error)) error

// Sets are the datasets that can be had, in the order of their names.
func Sets() []Set { return []Set{cifar10, eurosat, stl10} }

// Find returns the set of that name, or an error that lists all names.
func Find(name string) (Set, error) {
	var names []string
	for _, s := range Sets() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Set{}, fmt.Errorf("unknown dataset %q: have %s", name, strings.Join(names, ", "))
}

// Progress is told what is being done to how many bytes of the archive, out of
// how many; total is −1 while that is unknown.
type Progress func(doing string, done, total int64)

// putters is how many objects are written at once.
const putters = 16

// Get downloads s into the folder cache, made if missing, and puts its images
// into b below "<name>/train/" and "<name>/test/". A download that was cut off
// goes on where it ended. The archive stays in cache until all its images are
// in the bucket.
func (s Set) Get(ctx context.Context, b bucket.Bucket, cache string, progress Progress) error {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("downloading %s: %w", s.Name, err)
	}
	archive := filepath.Join(cache, s.Name+".archive")
	if err := s.fetch(ctx, archive, func(done, total int64) { progress("downloading", done, total) }); err != nil {
		return fmt.Errorf("downloading %s: %w", s.Name, err)
	}
	if err := s.fill(ctx, b, archive, func(done, total int64) { progress("unpacking", done, total) }); err != nil {
		return fmt.Errorf("unpacking %s: %w", s.Name, err)
	}
	return os.Remove(archive)
}

// fill puts the images of the archive into b.
func (s Set) fill(ctx context.Context, b bucket.Bucket, archive string, progress func(done, total int64)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(putters)
	put := func(key string, data func() ([]byte, error)) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		group.Go(func() error {
			d, err := data()
			if err != nil {
				return err
			}
			return b.Put(ctx, s.Name+"/"+key, d)
		})
		return nil
	}
	err := s.unpack(ctx, archive, put, progress)
	// An error of a put has ended ctx, and with it the unpacking.
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}
