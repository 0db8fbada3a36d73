package local

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"selfstream/stages/bucket"
)

// write makes files with texts below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for rel, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, target, file string) {
	t.Helper()
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
}

// read returns the texts of the files below dir, hidden ones apart.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, file)
		if !strings.HasPrefix(rel, ".") {
			text, err := os.ReadFile(file)
			files[filepath.ToSlash(rel)] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// imports is a Local whose servers do not run.
func imports(t *testing.T) *Local {
	t.Helper()
	dir := t.TempDir()
	return &Local{dir: dir, S3: &S3{Dir: filepath.Join(dir, "s3")}}
}

func (l *Local) folder(name string) string { return filepath.Join(l.S3.Dir, "datasets", name) }

func mustImport(t *testing.T, l *Local, src, name string) Imported {
	t.Helper()
	done, err := l.Import(t.Context(), src, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func wantImported(t *testing.T, l *Local, name string, done, want Imported, files map[string]string) {
	t.Helper()
	if done.Files != want.Files || done.Added != want.Added || done.Removed != want.Removed || done.Skipped.Count != want.Skipped.Count {
		t.Errorf("have %+v, want %+v", done, want)
	}
	if have := read(t, l.folder(name)); !maps.Equal(have, files) {
		t.Errorf("have files %v, want %v", have, files)
	}
}

func TestImportFollowsSource(t *testing.T) {
	l, src := imports(t), t.TempDir()
	files := map[string]string{"a.jpg": "a", "cat/b.jpg": "b", "cat/c/d ü.jpg": "d", "notes.txt": "n"}
	write(t, src, files)
	write(t, src, map[string]string{".hidden.jpg": "h", ".git/config": "g", "cat/.DS_Store": "s"})
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 4, Added: 4}, files)
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 4}, files)

	for _, rel := range []string{"cat/c", "notes.txt", "a.jpg"} {
		if err := os.RemoveAll(filepath.Join(src, rel)); err != nil {
			t.Fatal(err)
		}
	}
	// A file turns into a folder, one is written anew, one is new.
	write(t, src, map[string]string{"a.jpg/x.jpg": "x", "new/e.jpg": "e"})
	if err := os.Remove(filepath.Join(src, "cat/b.jpg")); err != nil {
		t.Fatal(err)
	}
	write(t, src, map[string]string{"cat/b.jpg": "b2"})
	files = map[string]string{"a.jpg/x.jpg": "x", "new/e.jpg": "e", "cat/b.jpg": "b2"}
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 3, Added: 3, Removed: 3}, files)
	if _, err := os.Stat(filepath.Join(l.folder("photos"), "cat", "c")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: have error %v, want it gone", err)
	}

	// And the folder back into a file.
	if err := os.RemoveAll(filepath.Join(src, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	write(t, src, map[string]string{"a.jpg": "a3"})
	files = map[string]string{"a.jpg": "a3", "new/e.jpg": "e", "cat/b.jpg": "b2"}
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 3, Added: 1, Removed: 1}, files)
}

// TestImportCopies does what happens where the file system does not link.
func TestImportCopies(t *testing.T) {
	l, src := imports(t), t.TempDir()
	files := map[string]string{"a.jpg": "a", "b/c.jpg": "c"}
	write(t, src, files)
	mustImport(t, l, src, "photos")
	old := filepath.Join(l.folder("photos"), "a.jpg")
	if info, err := os.Stat(old); err != nil {
		t.Fatal(err)
	} else if original, err := os.Stat(filepath.Join(src, "a.jpg")); err != nil || !os.SameFile(info, original) {
		t.Errorf("have a copy, want a link (%v)", err)
	}

	// A link that the next import takes for a copy.
	in, err := os.Open(filepath.Join(src, "a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	modified := time.Now().Add(-time.Hour)
	if err := os.Chtimes(in.Name(), time.Time{}, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(old, in, modified); err != nil {
		t.Fatal(err)
	}
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 2}, files)

	// The original changes and keeps its length.
	write(t, src, map[string]string{"a.jpg": "A"})
	files["a.jpg"] = "A"
	wantImported(t, l, "photos", mustImport(t, l, src, "photos"), Imported{Files: 2, Added: 1}, files)
}

func TestImportSymlinks(t *testing.T) {
	l, src, elsewhere := imports(t), t.TempDir(), t.TempDir()
	write(t, src, map[string]string{"real/a.jpg": "a"})
	write(t, elsewhere, map[string]string{"deep/b.jpg": "b", "c.jpg": "c"})
	link(t, elsewhere, filepath.Join(src, "album"))
	link(t, elsewhere, filepath.Join(src, "again")) // comes first and is the one that is entered
	link(t, src, filepath.Join(elsewhere, "circle"))
	link(t, "..", filepath.Join(src, "real", "up"))
	link(t, ".", filepath.Join(src, "real", "self"))
	link(t, filepath.Join(elsewhere, "c.jpg"), filepath.Join(src, "real", "c.jpg"))
	link(t, filepath.Join(elsewhere, "nowhere"), filepath.Join(src, "dangling.jpg"))
	link(t, "loop2", filepath.Join(src, "loop1"))
	link(t, "loop1", filepath.Join(src, "loop2"))
	files := map[string]string{"real/a.jpg": "a", "real/c.jpg": "c", "again/deep/b.jpg": "b", "again/c.jpg": "c"}
	done := mustImport(t, l, src, "photos")
	want := Imported{Files: 4, Added: 4, Skipped: bucket.Others{Count: 3}}
	wantImported(t, l, "photos", done, want, files)
	if want := []string{"dangling.jpg", "loop1", "loop2"}; !slices.Equal(done.Skipped.Names, want) {
		t.Errorf("skipped: have %q, want %q", done.Skipped.Names, want)
	}
	if info, err := os.Lstat(filepath.Join(l.folder("photos"), "real", "c.jpg")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("link to a file: have %v, %v, want a file", info, err)
	}
}

// TestImportAroundState imports the folder that the state folder lies in.
func TestImportAroundState(t *testing.T) {
	src := t.TempDir()
	l := &Local{dir: filepath.Join(src, "state"), S3: &S3{Dir: filepath.Join(src, "state", "s3")}}
	write(t, src, map[string]string{"a.jpg": "a", "state/nats/x": "x"})
	for range 2 {
		mustImport(t, l, src, "photos")
		if have := read(t, l.folder("photos")); len(have) != 1 {
			t.Errorf("have files %v, want a.jpg alone", have)
		}
	}
}

func TestImportUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	l, src := imports(t), t.TempDir()
	write(t, src, map[string]string{"a.jpg": "a", "b.jpg": "b", "closed/c.jpg": "c"})
	for _, rel := range []string{"b.jpg", "closed"} {
		if err := os.Chmod(filepath.Join(src, rel), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.Chmod(filepath.Join(src, "closed"), 0o755); err != nil {
			t.Error(err)
		}
	})
	done := mustImport(t, l, src, "photos")
	wantImported(t, l, "photos", done, Imported{Files: 1, Added: 1, Skipped: bucket.Others{Count: 2}}, map[string]string{"a.jpg": "a"})
}

func TestImportRefuses(t *testing.T) {
	l, src, other := imports(t), t.TempDir(), t.TempDir()
	write(t, src, map[string]string{"a.jpg": "a"})
	write(t, other, map[string]string{"z.jpg": "z"})
	write(t, l.folder("uploaded"), map[string]string{"precious.jpg": "p"})
	mustImport(t, l, src, "photos")
	for _, tc := range []struct {
		name, src, dataset string
		want               []string
	}{
		{"uploaded dataset", src, "uploaded", []string{l.folder("uploaded"), "not imported"}},
		{"dataset of another folder", other, "photos", []string{src, "came from"}},
		{"missing", filepath.Join(src, "nowhere"), "new", []string{"nowhere", "no such file"}},
		{"file", filepath.Join(src, "a.jpg"), "new", []string{"a.jpg", "not a folder"}},
		{"empty", t.TempDir(), "new", []string{"no files"}},
		{"inside the state folder", l.folder("uploaded"), "new", []string{"state folder already"}},
		{"name", src, "../up", []string{"another name"}},
		{"hidden name", src, ".photos", []string{"another name"}},
		{"no name", src, "", []string{"another name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := l.Import(t.Context(), tc.src, tc.dataset, nil)
			if err == nil {
				t.Fatal("have no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have error %q, want one with %q", err, want)
				}
			}
		})
	}
	for name, want := range map[string]string{"uploaded": "precious.jpg", "photos": "a.jpg"} {
		if have := read(t, l.folder(name)); len(have) != 1 || have[want] == "" {
			t.Errorf("%s: have files %v, want %s untouched", name, have, want)
		}
	}

	// A disk that is not there looks like an empty folder.
	if err := os.Remove(filepath.Join(src, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), src, "photos", nil); err == nil {
		t.Error("empty source: have no error")
	}
	if have := read(t, l.folder("photos")); have["a.jpg"] != "a" {
		t.Errorf("empty source: have files %v, want a.jpg kept", have)
	}
}

func TestImportCutOff(t *testing.T) {
	l, src := imports(t), t.TempDir()
	write(t, src, map[string]string{"a.jpg": "a", "b.jpg": "b", "c.jpg": "c"})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := l.Import(ctx, src, "photos", func(files int) {
		if files == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("have error %v, want %v", err, context.Canceled)
	}
	write(t, l.folder("photos"), map[string]string{unfinished: "half"})
	done := mustImport(t, l, src, "photos")
	wantImported(t, l, "photos", done, Imported{Files: 3, Added: 1}, map[string]string{"a.jpg": "a", "b.jpg": "b", "c.jpg": "c"})
	if _, err := os.Stat(filepath.Join(l.folder("photos"), unfinished)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unfinished file: have error %v, want it gone", err)
	}
}

// TestImportLeavesOriginals: whatever clients do to the objects, the files of
// the person stay what they are.
func TestImportLeavesOriginals(t *testing.T) {
	l, src := start(t, Options{Dir: t.TempDir()}), t.TempDir()
	files := map[string]string{"cat/a.jpg": "a", "dog/b.jpg": "b", "dog/readme.txt": "text"}
	write(t, src, files)
	mustImport(t, l, src, "photos")
	b := open(t, l, "datasets")
	d, err := bucket.ReadDataset(t.Context(), b, nil, "photos", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 2 || len(d.Classes) != 2 || d.Others.Count != 1 {
		t.Errorf("have %+v, want two images, two classes and another file", d)
	}
	if err := b.Put(t.Context(), "photos/cat/a.jpg", []byte("overwritten")); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "photos/dog/b.jpg"); err != nil {
		t.Fatal(err)
	}
	if have := read(t, src); !maps.Equal(have, files) {
		t.Errorf("have originals %v, want %v", have, files)
	}
	mustImport(t, l, src, "photos")
	if have, _, err := b.Get(t.Context(), "photos/cat/a.jpg", 100); err != nil || string(have) != "a" {
		t.Errorf("after the next import: have %q, %v, want the original", have, err)
	}
}
