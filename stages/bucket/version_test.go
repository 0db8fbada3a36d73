package bucket_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selfstream/stages/bucket"
)

func version(t *testing.T, b bucket.Bucket, name string) bucket.Version {
	t.Helper()
	v, err := bucket.ReadVersion(t.Context(), b, name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVersion: it is another one after each change that may change a run, and
// after no other.
func TestVersion(t *testing.T) {
	b := new(bucket.Memory)
	put := func(key, data string) func() error {
		return func() error { return b.Put(context.Background(), key, []byte(data)) }
	}
	if have := version(t, b, "d"); have.Files != 0 {
		t.Errorf("have %d files, want none", have.Files)
	}
	last := version(t, b, "d")
	for _, tc := range []struct {
		name    string
		change  func() error
		changes bool
		files   int
	}{
		{"a file", put("d/a.jpg", "1"), true, 1},
		{"another file", put("d/x/b.jpg", "2"), true, 2},
		{"the same again", put("d/a.jpg", "1"), false, 2},
		{"other bytes", put("d/a.jpg", "3"), true, 2},
		{"a hidden file", put("d/.done", "3"), false, 2},
		{"a file in a hidden folder", put("d/.cache/a.jpg", "3"), false, 2},
		{"another dataset", put("dd/a.jpg", "1"), false, 2},
		{"settings", put("d/selfstream.yaml", "method: byol"), true, 3},
		{"a file less", func() error { return b.Delete(context.Background(), "d/x/b.jpg") }, true, 2},
		{"what moves", func() error {
			return errors.Join(b.Delete(context.Background(), "d/a.jpg"), b.Put(context.Background(), "d/c.jpg", []byte("3")))
		}, true, 2},
	} {
		if err := tc.change(); err != nil {
			t.Fatal(err)
		}
		have := version(t, b, "d")
		if (have.SHA256 != last.SHA256) != tc.changes || have.Files != tc.files {
			t.Errorf("%s: have %+v after %+v, want a change: %v, and %d files", tc.name, have, last, tc.changes, tc.files)
		}
		last = have
	}
	if _, err := bucket.ReadVersion(t.Context(), b, "a//b"); err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("have %v, want an error about the name", err)
	}
}

// TestVersionOfCopies: files that were copied into the server's folder have no
// ETag, and change with their time.
func TestVersionOfCopies(t *testing.T) {
	b := openS3(t)
	dir := filepath.Join(server.Dir, b.Name(), "d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a.jpg")
	if err := os.WriteFile(file, []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := version(t, b, "d")
	if again := version(t, b, "d"); again != before || again.Files != 1 {
		t.Errorf("have %+v, then %+v, want the same of one file", before, again)
	}
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if later := version(t, b, "d"); later == before {
		t.Errorf("have %+v before and after the file was replaced", later)
	}
}
