//go:build !noservers

package local

import (
	"context"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// listing is the posix backend with a memory for large folders. The backend
// reads, sorts and walks through the whole of a folder for every page of 1000
// objects, so that the time for a folder of n files grows with n².
type listing struct {
	*posix.Posix
	memory *memory
}

// ListObjectsV2 is that of posix.Posix, but for where folders are read.
func (l listing) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	name := aws.ToString(in.Bucket)
	if _, err := os.Stat(name); err != nil {
		return l.Posix.ListObjectsV2(ctx, in) // which says it in the words of S3
	}
	prefix, delimiter := aws.ToString(in.Prefix), aws.ToString(in.Delimiter)
	after, size := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken)), aws.ToInt32(in.MaxKeys)
	page, err := backend.Walk(ctx, remembering{os.DirFS(name), name, after, l.memory}, prefix, delimiter, after, size,
		l.FileToObj(name, aws.ToBool(in.FetchOwner)), []string{posix.MetaTmpDir})
	if err != nil {
		return s3response.ListObjectsV2Result{}, err
	}
	return s3response.ListObjectsV2Result{
		CommonPrefixes:        page.CommonPrefixes,
		Contents:              page.Objects,
		IsTruncated:           &page.Truncated,
		MaxKeys:               &size,
		Name:                  &name,
		KeyCount:              aws.Int32(int32(len(page.Objects) + len(page.CommonPrefixes))),
		Delimiter:             backend.GetPtrFromString(delimiter),
		ContinuationToken:     backend.GetPtrFromString(after),
		NextContinuationToken: backend.GetPtrFromString(page.NextMarker),
		Prefix:                backend.GetPtrFromString(prefix),
		StartAfter:            backend.GetPtrFromString(aws.ToString(in.StartAfter)),
	}, nil
}

const (
	// settled is how long a folder must have been left alone to be remembered:
	// one that changes again within the grain of its clock looks unchanged.
	settled = 2 * time.Second

	// remember is for how long. It bounds what the memory costs, and how long
	// a file system may be wrong about the time of a folder.
	remember = time.Minute
)

// memory holds the files of the large folder that was read last.
type memory struct {
	large int // files, from which on a folder is remembered

	sync.Mutex
	folder   string
	modified time.Time
	entries  []fs.DirEntry // by name
	folders  []int         // indices of those that are folders themselves
	forget   *time.Timer
}

// recall returns the entries of a folder without the files up to and with the
// one called after, which a page that starts after it has no use for.
func (m *memory) recall(folder string, modified time.Time, after string) ([]fs.DirEntry, bool) {
	m.Lock()
	defer m.Unlock()
	if m.folder != folder || !m.modified.Equal(modified) {
		return nil, false
	}
	from := sort.Search(len(m.entries), func(i int) bool { return m.entries[i].Name() > after })
	var rest []fs.DirEntry
	for _, i := range m.folders {
		if i < from { // sorted by name alone, but what is in it may come later
			rest = append(rest, m.entries[i])
		}
	}
	if rest == nil {
		return m.entries[from:], true
	}
	return append(rest, m.entries[from:]...), true
}

func (m *memory) keep(folder string, modified time.Time, entries []fs.DirEntry) {
	m.Lock()
	defer m.Unlock()
	if m.forget != nil {
		m.forget.Stop()
	}
	m.folder, m.modified, m.entries, m.folders = folder, modified, entries, nil
	for i, e := range entries {
		if e.IsDir() {
			m.folders = append(m.folders, i)
		}
	}
	m.forget = time.AfterFunc(remember, m.clear)
}

func (m *memory) clear() {
	m.Lock()
	defer m.Unlock()
	m.folder, m.entries, m.folders = "", nil, nil
}

// remembering is the folder of a bucket, read through a memory for what comes
// after a key.
type remembering struct {
	fs.FS
	bucket, after string
	memory        *memory
}

// ReadDir is what fs.ReadDir calls.
func (r remembering) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(r.FS, name) // before it is read: what comes in between makes it new
	if err != nil {
		return nil, err
	}
	folder, after := path.Join(r.bucket, name), r.after
	if name != "." {
		var below bool
		if after, below = strings.CutPrefix(after, name+"/"); !below {
			after = ""
		}
	}
	if entries, ok := r.memory.recall(folder, info.ModTime(), after); ok {
		return entries, nil
	}
	entries, err := fs.ReadDir(r.FS, name)
	if err == nil && len(entries) >= r.memory.large && time.Since(info.ModTime()) > settled {
		r.memory.keep(folder, info.ModTime(), entries)
	}
	return entries, err
}
