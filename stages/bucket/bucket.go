// Package bucket turns keys into bytes and back: an S3 bucket, its twin in
// memory, and the reading of a dataset out of a list of keys.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"
)

// ErrTooLarge is returned when an object has more bytes than the caller bears.
var ErrTooLarge = errors.New("object is too large")

// ErrChanged is returned by Replace when the object is not the one that the
// caller knows.
var ErrChanged = errors.New("object has changed")

// ErrUnavailable is wrapped by errors of a server that is away or in trouble,
// after all retries. Later the same call may succeed.
var ErrUnavailable = errors.New("the S3 is unavailable")

// Info is what a bucket knows of an object without reading it.
type Info struct {
	Key      string
	Size     int64     // in bytes
	ETag     string    // changes with the content; empty where the server knows none, as of files copied into its folder by hand
	Modified time.Time // when it was last written, by the server's clock
}

// Getter reads objects; see Bucket.
type Getter interface {
	Get(ctx context.Context, key string, limit int64) ([]byte, Info, error)
	GetRange(ctx context.Context, key string, offset, n int64) ([]byte, Info, error)
}

// Source lists objects and reads them; see Bucket.
type Source interface {
	Getter
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Bucket is the part of an object store that selfstream uses. All methods may
// be called at once from many goroutines. Errors name the object and wrap
//
//	fs.ErrNotExist    there is no such object
//	fs.ErrInvalid     the key cannot name an object; see CheckKey
//	fs.ErrPermission  the server refuses who asks
//	ErrTooLarge       the object has more bytes than the limit
//	ErrChanged        the object is not the one to be replaced
//	ErrUnavailable    the server is away or in trouble
//
// or the error of the context. What a retry can mend has been retried.
type Bucket interface {
	// Get reads a whole object. One larger than limit bytes is ErrTooLarge and
	// is not read; Info is filled in even then.
	Get(ctx context.Context, key string, limit int64) ([]byte, Info, error)

	// GetRange reads n bytes of an object from an offset on, or fewer where it
	// ends before. Info is that of the whole object, and may be empty where there
	// is nothing to read.
	GetRange(ctx context.Context, key string, offset, n int64) ([]byte, Info, error)

	// Stat tells of an object without reading it.
	Stat(ctx context.Context, key string) (Info, error)

	// Put writes an object whole or not at all: nobody reads half of it.
	// Writing it again replaces it.
	Put(ctx context.Context, key string, data []byte) error

	// Replace is Put for an object that still has that ETag, or that is still
	// missing where etag is empty. If it is not so, nothing is written and the
	// error is ErrChanged. It returns the new ETag. Of several that replace the
	// same object at once by different data, one succeeds.
	Replace(ctx context.Context, key, etag string, data []byte) (string, error)

	// List yields the objects whose keys start with prefix, in the order of
	// the keys' bytes. It ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Folders lists the parts of keys between prefix, which is empty or ends in
	// a slash, and the next slash, sorted. It costs little where the folders are
	// large.
	Folders(ctx context.Context, prefix string) ([]string, error)

	// Delete removes an object. A missing one is no error.
	Delete(ctx context.Context, key string) error
}

// maxKey is S3's limit on the bytes of a key.
const maxKey = 1024

// CheckKey tells whether key can name an object on every server, also on one
// that keeps objects as files: UTF-8 of 1 to 1024 bytes, parts separated by
// single slashes, none of them empty, "." or "..". It wraps fs.ErrInvalid.
func CheckKey(key string) error {
	if key == "." || len(key) > maxKey || !fs.ValidPath(key) {
		return fmt.Errorf("key %.80q: %w: want 1 to %d bytes of UTF-8 without empty, \".\" or \"..\" parts", key, fs.ErrInvalid, maxKey)
	}
	return nil
}
