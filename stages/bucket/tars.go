package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

const (
	tarEnd       = ".tar"
	tarsAtOnce   = 4       // that are read
	tarBlock     = 4 << 20 // bytes that are read at once; members of more are skipped over
	maxIndex     = 1 << 30 // bytes
	indexFolder  = "_tars/"
	indexVersion = 1 // of what indexTar makes of a tar
)

// isTar tells whether an object is read as a tar.
func isTar(key string) bool { return strings.EqualFold(key[max(0, len(key)-len(tarEnd)):], tarEnd) }

// timeStamp is how a stamp begins that is a time.
const timeStamp = "of "

// stamp is what the content of a tar is known by: its ETag, or when it was
// written last, in seconds, where the server knows none.
func (i Info) stamp() string {
	if i.ETag != "" {
		return i.ETag
	}
	return timeStamp + i.Modified.UTC().Format(time.RFC3339)
}

// readIndex returns the index of a tar: that in kept, or one made now, which
// takes reading the tar, and which kept has from then on if the caller may write
// there. kept may be nil.
func readIndex(ctx context.Context, b Source, kept Bucket, info Info) (tarIndex, error) {
	if kept == nil {
		return makeIndex(ctx, b, info)
	}
	key := indexKey(info)
	data, _, err := kept.Get(ctx, key, maxIndex)
	var x tarIndex
	switch {
	case err == nil && json.Unmarshal(data, &x) == nil:
		return x, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
		return x, err
	}
	if x, err = makeIndex(ctx, b, info); err != nil {
		return x, err
	}
	if data, err = json.Marshal(x); err != nil {
		return x, err
	}
	// Without it the next reader makes it again.
	_ = kept.Put(ctx, key, data)
	return x, ctx.Err()
}

// indexKey is where the index of a tar is kept: one that has been changed has
// another.
func indexKey(info Info) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %d %q", indexVersion, info.Key, info.Size, info.stamp()))
	return indexFolder + hex.EncodeToString(sum[:]) + ".json"
}

func makeIndex(ctx context.Context, b Source, info Info) (tarIndex, error) {
	return indexTar(&ranges{ctx: ctx, b: b, info: info}, info.Size)
}

// ranges reads an object through a window of one block.
type ranges struct {
	ctx  context.Context
	b    Source
	info Info

	at     int64
	window []byte
	begin  int64 // of the window
}

func (r *ranges) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.info.Size
	}
	if offset < 0 {
		return r.at, fmt.Errorf("seeking to byte %d of %s: %w", offset, r.info.Key, fs.ErrInvalid)
	}
	r.at = offset
	return r.at, nil
}

func (r *ranges) Read(p []byte) (int, error) {
	if r.at >= r.info.Size {
		return 0, io.EOF
	}
	if r.at < r.begin || r.at >= r.begin+int64(len(r.window)) {
		window, now, err := r.b.GetRange(r.ctx, r.info.Key, r.at, tarBlock)
		if err != nil {
			return 0, err
		}
		if now.Size != r.info.Size || now.ETag != r.info.ETag || len(window) == 0 {
			return 0, fmt.Errorf("reading %s: %w while it was read: begin again", r.info.Key, ErrChanged)
		}
		r.window, r.begin = window, r.at
	}
	n := copy(p, r.window[r.at-r.begin:])
	r.at += int64(n)
	return n, nil
}
