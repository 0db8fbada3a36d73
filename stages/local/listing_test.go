package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/posix"
)

// age makes a folder look as if it had been left alone since long.
func age(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chtimes(dir, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
}

// TestListing compares every page with the backend's own.
func TestListing(t *testing.T) {
	root := t.TempDir()
	attributes, err := Options{Dir: root}.attributeStore(filepath.Join(root, "s3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root) // posix.New does too; the test framework goes back
	files, err := posix.New(root, attributes, posix.PosixOpts{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Shutdown()
	l := listing{files, &memory{large: 50}}

	write(t, "b", map[string]string{"a": "1", "z/1": "1", "flat/sub-0": "1", "flat/sub/1": "1", "flat/sub/2": "1", "flat/sub.x": "1"})
	for i := range 100 {
		write(t, "b", map[string]string{fmt.Sprintf("flat/%05d", i): "1", fmt.Sprintf("%03d", i): "1"})
	}
	write(t, "b", map[string]string{"flat/00050x/1": "1", "flat/00050x-": "1", "flat/00050x.": "1", "flat/00050x0": "1", "050x/1": "1", "050x-": "1"})
	age(t, "b/flat")
	age(t, "b")
	compare := func(t *testing.T, want int) {
		t.Helper()
		total := 0
		for _, in := range []s3.ListObjectsV2Input{
			{},
			{Prefix: aws.String("flat/")},
			{Prefix: aws.String("flat/su")},
			{Prefix: aws.String("flat/0004")},
			{Prefix: aws.String("nothing/")},
			{StartAfter: aws.String("flat/00090")},
			{Delimiter: aws.String("/")},
			{Delimiter: aws.String("/"), Prefix: aws.String("flat/")},
			{Delimiter: aws.String("/"), Prefix: aws.String("flat/sub")},
			{Delimiter: aws.String("0"), FetchOwner: aws.Bool(true)},
		} {
			in.Bucket, in.MaxKeys, in.ContinuationToken = aws.String("b"), aws.Int32(7), aws.String("")
			if in.StartAfter == nil {
				in.StartAfter = aws.String("") // as the server passes it
			}
			for more := true; more; {
				have, err := l.ListObjectsV2(t.Context(), &in)
				if err != nil {
					t.Fatal(err)
				}
				want, err := files.ListObjectsV2(t.Context(), &in)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(have, want) {
					t.Fatalf("after %q: have %+v, want %+v", *in.ContinuationToken, have, want)
				}
				if in.Prefix == nil && in.Delimiter == nil && *in.StartAfter == "" {
					total += len(have.Contents)
				}
				more, in.ContinuationToken = *have.IsTruncated, have.NextContinuationToken
			}
		}
		if total != want {
			t.Errorf("have %d objects, want %d", total, want)
		}
	}
	compare(t, 212)

	// What changes by hand shows at once, as if nothing were remembered.
	write(t, "b", map[string]string{"flat/00000": "longer", "flat/new": "1"})
	compare(t, 213)
	age(t, "b/flat")
	compare(t, 213)
	if err := os.Remove("b/flat/00007"); err != nil {
		t.Fatal(err)
	}
	compare(t, 212)

	in := &s3.ListObjectsV2Input{Bucket: aws.String("missing"), MaxKeys: aws.Int32(1)}
	_, want := files.ListObjectsV2(t.Context(), in)
	if _, err := l.ListObjectsV2(t.Context(), in); want == nil || !reflect.DeepEqual(err, want) {
		t.Errorf("missing bucket: have error %v, want the backend's %v", err, want)
	}
}

// reads counts how often a folder is read.
type reads struct {
	fs.FS
	n int
}

func (r *reads) ReadDir(name string) ([]fs.DirEntry, error) {
	r.n++
	return fs.ReadDir(r.FS, name)
}

func TestListingRemembers(t *testing.T) {
	const large = 50
	for _, tc := range []struct {
		name  string
		files int
		aged  bool
		want  int // reads, for three pages
	}{
		{"large", large, true, 1},
		{"small", large - 1, true, 3},
		{"just written to", large, false, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range tc.files {
				if err := os.WriteFile(filepath.Join(dir, "f"+strconv.Itoa(i)), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if tc.aged {
				age(t, dir)
			} else if err := os.Chtimes(dir, time.Time{}, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			disk := &reads{FS: os.DirFS(dir)}
			files := remembering{disk, "bucket", "", &memory{large: large}}
			for range 3 {
				if entries, err := fs.ReadDir(files, "."); err != nil || len(entries) != tc.files {
					t.Fatalf("have %d entries, %v, want %d", len(entries), err, tc.files)
				}
			}
			if disk.n != tc.want {
				t.Errorf("have %d reads, want %d", disk.n, tc.want)
			}

			// Another folder does not get this one's files, and a changed one
			// is read again.
			other := remembering{os.DirFS(t.TempDir()), "other", "", files.memory}
			if entries, err := fs.ReadDir(other, "."); err != nil || len(entries) != 0 {
				t.Errorf("another folder: have %d entries, %v, want none", len(entries), err)
			}
			if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if entries, err := fs.ReadDir(files, "."); err != nil || len(entries) != tc.files+1 {
				t.Errorf("after a change: have %d entries, %v, want %d", len(entries), err, tc.files+1)
			}
			files.memory.clear()
			if files.memory.entries != nil {
				t.Error("cleared: have entries")
			}
		})
	}
}
