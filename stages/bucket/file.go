package bucket

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"selfstream/schemas"
)

// File is an image of a dataset: an object, or a member of a tar.
type File struct {
	Key   string // of the object; or that of the tar, a slash and the member's name
	Size  int64  // in bytes
	ETag  string // of the object or the tar; empty for an object whose server knows none, see Info
	Label int32  // index into Classes, −1 without

	Tar    int   // bytes of Key that are the key of a tar; 0: the image is an object
	Offset int64 // of the image in its tar, in bytes
}

// FileOf is the file that an image of a manifest is in.
func FileOf(i schemas.Image) File {
	return File{Key: i.Key, Size: i.Size, ETag: i.ETag, Label: i.Label, Tar: i.Tar, Offset: i.Offset}
}

// Object is the key of the object that the image is in.
func (f File) Object() string {
	if f.Tar > 0 {
		return f.Key[:f.Tar]
	}
	return f.Key
}

// Content names the bytes of the image: whatever has the same name has the same
// bytes. It is empty where the server knows no ETag.
func (f File) Content() string {
	if f.ETag == "" || strings.HasPrefix(f.ETag, timeStamp) {
		return ""
	}
	return fmt.Sprintf("%q %q %d %d", f.Object(), f.ETag, f.Offset, f.Size)
}

// ErrOther is returned for an image that is not the one that was listed.
var ErrOther = errors.New("the file has changed since the run began")

// Read reads the image from where it was listed. Errors are those of Get, and
// ErrOther.
func (f File) Read(ctx context.Context, b Getter) ([]byte, error) {
	if f.Tar > 0 {
		data, info, err := b.GetRange(ctx, f.Object(), f.Offset, f.Size)
		if err == nil {
			err = f.Check(info, int64(len(data)))
		}
		return data, err
	}
	data, info, err := b.Get(ctx, f.Key, f.Size)
	if err == nil || errors.Is(err, ErrTooLarge) {
		err = f.Check(info, info.Size)
	}
	return data, err
}

// Check tells whether n bytes of an object, of which info tells, are the image
// that was listed. Else the error is ErrOther, in words that depend on nothing
// but that.
func (f File) Check(info Info, n int64) error {
	switch {
	case f.Tar > 0 && (f.ETag != info.stamp() || n != f.Size):
		return fmt.Errorf("%w: its tar is another one", ErrOther)
	case n != f.Size:
		return fmt.Errorf("%w: have %d bytes, want %d", ErrOther, n, f.Size)
	case f.ETag != "" && f.Tar == 0 && f.ETag != info.ETag:
		return fmt.Errorf("%w: have another ETag", ErrOther)
	}
	return nil
}
