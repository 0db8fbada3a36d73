package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string, limit int64) *Cache {
	t.Helper()
	c, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t *testing.T, c *Cache, name string, size int, want error) {
	t.Helper()
	if err := c.Put(name, bytes.Repeat([]byte(name[:1]), size)); !errors.Is(err, want) {
		t.Errorf("Put %s: have %v, want %v", name, err, want)
	}
}

func wantGet(t *testing.T, c *Cache, name string, size int) {
	t.Helper()
	data, ok := c.Get(name)
	if want := bytes.Repeat([]byte(name[:1]), size); ok != (size > 0) || ok && !bytes.Equal(data, want) {
		t.Errorf("Get %s: have %.20q, %v, want %d bytes", name, data, ok, size)
	}
}

// weigh is what the entries weigh on the disk.
func weigh(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == sizeFile {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// age makes the entry of a name look unused for that long.
func age(t *testing.T, c *Cache, name string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(c.file(name), then, then); err != nil {
		t.Fatal(err)
	}
}

func TestCacheKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	c := open(t, dir, 1<<20)
	wantGet(t, c, "a", 0)
	put(t, c, "a", 100, nil)
	put(t, c, "b", 1000, nil)
	put(t, c, "b", 1000, nil)
	wantGet(t, c, "a", 100)
	wantGet(t, open(t, dir, 1<<20), "b", 1000)
	if err := c.Put("empty", nil); err != nil {
		t.Fatal(err)
	}
	if data, ok := c.Get("empty"); !ok || len(data) != 0 {
		t.Errorf("have %q, %v, want an empty entry", data, ok)
	}
}

// What has been used lately stays; what has not makes room.
func TestCacheIsBounded(t *testing.T) {
	const each, limit = 1000, 10 * 1032
	c := open(t, t.TempDir(), limit)
	for i := range 10 {
		put(t, c, fmt.Sprint(i), each, nil)
	}
	put(t, c, "new", each, ErrFull)
	put(t, c, "giant", limit, ErrFull)
	wantGet(t, c, "0", each)

	c = open(t, c.dir, limit) // which knows nothing of having been full
	age(t, c, "3", 3*idle)
	age(t, c, "4", 4*idle)
	age(t, c, "5", 2*idle)
	put(t, c, "new", each, nil)
	wantGet(t, c, "new", each)
	wantGet(t, c, "4", 0) // the longest unused
	wantGet(t, c, "3", 0) // a tenth more
	wantGet(t, c, "5", each)
	if have := weigh(t, c.dir); have > limit {
		t.Errorf("have %d bytes, want at most %d", have, limit)
	}
}

// A cache that is full is not looked through for every new entry.
func TestCacheIsPatient(t *testing.T) {
	c := open(t, t.TempDir(), 1032)
	put(t, c, "old", 1000, nil)
	put(t, c, "new", 1000, ErrFull)
	age(t, c, "old", 2*idle)
	tries := 0
	for ; c.Put("new", make([]byte, 1000)) != nil && tries < 2*patienceLasts; tries++ {
	}
	if tries != patienceLasts-1 {
		t.Errorf("have room after %d tries, want it after %d", tries, patienceLasts-1)
	}
}

func TestCacheMadeSmaller(t *testing.T) {
	c := open(t, t.TempDir(), 1<<20)
	for i := range 10 {
		put(t, c, fmt.Sprint(i), 1000, nil)
	}
	open(t, c.dir, 5000)
	if have := weigh(t, c.dir); have > 5000 || have < 3000 {
		t.Errorf("have %d bytes, want at most 5000", have)
	}
}

func TestCacheDropsDamage(t *testing.T) {
	for name, damage := range map[string]func(entry []byte) []byte{
		"a bit of the data": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"a bit of the seal": func(b []byte) []byte { b[3] ^= 0x80; return b },
		"cut off":           func(b []byte) []byte { return b[:500] },
		"longer":            func(b []byte) []byte { return append(b, 0) },
		"empty":             func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, t.TempDir(), 1<<20)
			put(t, c, "a", 1000, nil)
			entry, err := os.ReadFile(c.file("a"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(c.file("a"), damage(entry), 0o600); err != nil {
				t.Fatal(err)
			}
			wantGet(t, c, "a", 0)
			if _, err := os.Stat(c.file("a")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("have %v, want the damaged entry gone", err)
			}
			put(t, c, "a", 1000, nil)
			wantGet(t, c, "a", 1000)
		})
	}
	t.Run("an entry under another's name", func(t *testing.T) {
		c := open(t, t.TempDir(), 1<<20)
		put(t, c, "a", 1000, nil)
		put(t, c, "b", 1000, nil)
		if err := os.Rename(c.file("a"), c.file("b")); err != nil {
			t.Fatal(err)
		}
		wantGet(t, c, "b", 0)
	})
	t.Run("size", func(t *testing.T) {
		c := open(t, t.TempDir(), 3*1032)
		put(t, c, "a", 1000, nil)
		put(t, c, "b", 1000, nil)
		if err := os.WriteFile(filepath.Join(c.dir, sizeFile), []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		put(t, c, "c", 1000, nil)
		put(t, c, "d", 1000, ErrFull)
	})
}

// Files of others are not touched.
func TestCacheLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	then := time.Now().Add(-100 * idle)
	var files []string
	for _, name := range []string{"photo.jpg", "ab/photo.jpg", "ab/" + strings.Repeat("z", 62), ".new-york"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, make([]byte, 2000), 0o644), os.Chtimes(file, then, then)); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	left := filepath.Join(dir, unfinished+"123")
	if err := errors.Join(os.WriteFile(left, make([]byte, 2000), 0o644), os.Chtimes(left, then, then)); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, 1032)
	put(t, c, "a", 1000, nil)
	put(t, c, "b", 1000, ErrFull)
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: have %v, want it gone: its writer has died", left, err)
	}
}

// TestCacheCrowd has several caches on one folder, as processes would.
func TestCacheCrowd(t *testing.T) {
	const limit = 50 * 1032
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		c := open(t, dir, limit)
		for range 4 {
			all.Go(func() {
				for i := range 200 {
					name := fmt.Sprint(i * 7 % 80)
					if data, ok := c.Get(name); ok && !bytes.Equal(data, bytes.Repeat([]byte(name[:1]), 1000)) {
						t.Errorf("%s: have %.20q", name, data)
					}
					if err := c.Put(name, bytes.Repeat([]byte(name[:1]), 1000)); err != nil && !errors.Is(err, ErrFull) {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	if have := weigh(t, dir); have != limit {
		t.Errorf("have %d bytes, want it full, of %d", have, limit)
	}
	text, err := os.ReadFile(filepath.Join(dir, sizeFile))
	if have := strings.TrimSpace(string(text)); err != nil || have != fmt.Sprint(limit) {
		t.Errorf("size: have %q, %v, want %d", have, err, limit)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		dir   string
		limit int64
	}{{file, 1}, {t.TempDir(), 0}, {t.TempDir(), -1}} {
		if _, err := Open(tc.dir, tc.limit); err == nil {
			t.Errorf("%+v: have no error", tc)
		}
	}
}
