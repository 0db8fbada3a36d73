package augmenter

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/cache"
)

// TestMakeFromCache: samples are the same without a cache, with an empty one,
// with a full one, with one that is too small and with a damaged one, of objects
// and of members of tars.
func TestMakeFromCache(t *testing.T) {
	var b bucket.Memory
	var members [][]byte
	for i := range 20 {
		put(t, &b, 0, fmt.Sprintf("d/%03d.jpg", i), photo(40+i, 50, i))
		members = append(members, photo(50, 60+i, 100+i))
	}
	members[7] = members[7][:200] // a hole
	put(t, &b, 0, "d/a.tar", pack(t, members...))
	split := schemas.Split{Run: "r", Seed: 7, Recipe: recipe(32), Images: listed(t, &b)}
	unknown := split.Images[0]
	unknown.ID, unknown.ETag = 1000, "" // a server that knows no ETag could have changed it
	split.Images = append(split.Images, unknown)
	without, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	want := marshal(t, without)

	make := func(dir string, limit int64) (*counting, Counts) {
		t.Helper()
		files, err := cache.Open(dir, limit)
		if err != nil {
			t.Fatal(err)
		}
		from := &counting{Getter: &b}
		m := maker{from: from, cache: files, stats: new(Stats), log: slog.New(slog.DiscardHandler)}
		s, err := m.samples(t.Context(), split)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(marshal(t, s), want) {
			t.Error("have other samples with a cache")
		}
		return from, m.stats.Read()
	}
	dir := t.TempDir()
	if from, counts := make(dir, 1<<20); counts.Cached != 0 || from.gets.Load() != 21 || from.ranges.Load() != 1 {
		t.Errorf("empty: have %d files of the cache, %d gets, %d ranges, want 0, 21 and 1", counts.Cached, from.gets.Load(), from.ranges.Load())
	}
	if from, counts := make(dir, 1<<20); counts.Cached != 40 || from.gets.Load() != 1 || from.ranges.Load() != 0 {
		t.Errorf("full: have %d files of the cache, %d gets, %d ranges, want 40, 1 and 0", counts.Cached, from.gets.Load(), from.ranges.Load())
	}
	entries, err := filepath.Glob(filepath.Join(dir, "??", "*"))
	if err != nil || len(entries) != 40 {
		t.Fatalf("have %d entries, %v, want 40", len(entries), err)
	}
	for i, file := range entries[:8] {
		if err := os.Truncate(file, int64(100*i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, counts := make(dir, 1<<20); counts.Cached != 32 {
		t.Errorf("damaged: have %d files of the cache, want 32", counts.Cached)
	}
	small := t.TempDir()
	make(small, 20<<10)
	if _, counts := make(small, 20<<10); counts.Cached < 5 || counts.Cached > 20 {
		t.Errorf("small: have %d files of the cache, want some", counts.Cached)
	}
}
