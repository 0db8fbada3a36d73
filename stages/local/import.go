package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"selfstream/stages/bucket"
)

// Imported says what an import did.
type Imported struct {
	Files   int           // in the dataset now
	Added   int           // of them, new or replaced by this import
	Copied  int           // of the added, those that could not be linked
	Removed int           // files that are gone from the source
	Skipped bucket.Others // what could not be read or cannot be named in a bucket
}

// Import makes the files below the folder src the dataset called name: below
// <Dir>/s3/datasets/<name>, as hard links where the file system allows, and as
// copies elsewhere. Nothing in src is changed. The same import again follows
// src: new files come, changed ones are replaced, those that are gone go.
//
// Hidden files and folders are left out, and so is the state folder itself.
// Symbolic links count as what they point to; a folder is entered through them
// once. What cannot be read is skipped and told.
//
// Each file appears whole or not at all. A dataset that did not come from src
// is not touched: that is an error, and so is a src without files, since it
// may be a disk that is not there. progress, if not nil, is called with the
// number of files so far.
func (l *Local) Import(ctx context.Context, src, name string, progress func(files int)) (Imported, error) {
	if progress == nil {
		progress = func(int) {}
	}
	im := importer{
		state:    l.dir,
		dst:      filepath.Join(l.S3.Dir, "datasets", filepath.FromSlash(name)),
		name:     name,
		wanted:   map[string]bool{},
		entered:  map[string]bool{},
		progress: progress,
	}
	if err := im.run(ctx, src); err != nil {
		return im.done, fmt.Errorf("importing %s as dataset %s: %w", src, name, err)
	}
	return im.done, nil
}

const (
	origin     = ".imported-from" // in the folder of a dataset: where it came from
	unfinished = ".importing"     // beside it: a file that is not whole yet
)

type importer struct {
	state, src, dst string // folders, absolute and without symbolic links
	name            string // of the dataset
	files           []source
	wanted          map[string]bool // rel of files
	entered         map[string]bool // folders entered through a symbolic link
	progress        func(int)
	done            Imported
}

// source is a file to import.
type source struct {
	rel  string // below the dataset
	path string // absolute and without symbolic links
	info fs.FileInfo
}

func (im *importer) run(ctx context.Context, src string) error {
	if err := im.locate(src); err != nil {
		return err
	}
	if err := im.claim(); err != nil {
		return err
	}
	im.entered[im.src] = true
	if err := im.walk(ctx, im.src, ""); err != nil {
		return err
	}
	if len(im.files) == 0 {
		return errors.New("there are no files to read in it")
	}
	if err := im.removeGone(ctx); err != nil {
		return err
	}
	for _, f := range im.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := im.place(f); err != nil {
			return err
		}
		im.progress(im.done.Files)
	}
	return nil
}

// locate finds the true places of all folders.
func (im *importer) locate(src string) error {
	if err := bucket.CheckKey(im.name); err != nil || strings.HasPrefix(im.name, ".") {
		return errors.Join(errors.New("the dataset needs another name"), err)
	}
	abs, err := filepath.Abs(src)
	if err != nil {
		return err
	}
	if im.src, err = filepath.EvalSymlinks(abs); err != nil {
		return err
	}
	if info, err := os.Stat(im.src); err != nil || !info.IsDir() {
		return errors.Join(errors.New("not a folder"), err)
	}
	if im.state, err = filepath.EvalSymlinks(im.state); err != nil {
		return err
	}
	if within(im.src, im.state) {
		return errors.New("it lies in the state folder already: name it as a dataset instead")
	}
	return nil
}

// within tells whether path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// claim notes in the dataset where it comes from, or fails if it comes from
// elsewhere: an import removes what is not in its source.
func (im *importer) claim() error {
	note := filepath.Join(im.dst, origin)
	text, err := os.ReadFile(note)
	from := strings.TrimSuffix(string(text), "\n")
	switch {
	case err == nil && from == im.src:
		return nil
	case err == nil:
		return fmt.Errorf("the dataset came from %s: remove %s to replace it, or use another name", from, im.dst)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if entries, err := os.ReadDir(im.dst); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s holds files that were not imported: use another name, or remove it", im.dst)
	}
	if err := os.MkdirAll(im.dst, 0o755); err != nil {
		return err
	}
	return os.WriteFile(note, []byte(im.src+"\n"), 0o644)
}

// walk collects the files below dir, which is a true path and appears as rel.
func (im *importer) walk(ctx context.Context, dir, rel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		im.skip(rel + "/")
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := im.visit(ctx, dir, e, path.Join(rel, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// visit takes in the entry e of dir, which appears as rel.
func (im *importer) visit(ctx context.Context, dir string, e fs.DirEntry, rel string) error {
	file, linked := filepath.Join(dir, e.Name()), e.Type()&fs.ModeSymlink != 0
	if linked {
		target, err := filepath.EvalSymlinks(file)
		if err != nil {
			im.skip(rel)
			return nil
		}
		file = target
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		im.skip(rel)
	case info.IsDir():
		if file == im.state {
			return nil
		}
		if linked { // perhaps in a circle
			if im.entered[file] || within(dir, file) {
				return nil
			}
			im.entered[file] = true
		}
		return im.walk(ctx, file, rel)
	case !info.Mode().IsRegular() || bucket.CheckKey(im.name+"/"+rel) != nil:
		im.skip(rel)
	default:
		im.files = append(im.files, source{rel, file, info})
		im.wanted[rel] = true
	}
	return nil
}

func (im *importer) skip(rel string) { im.done.Skipped.Add(rel) }

// removeGone removes what is in the dataset and not in the source, and what an
// import that was cut off has left.
func (im *importer) removeGone(ctx context.Context) error {
	var folders []string
	err := filepath.WalkDir(im.dst, func(file string, e fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(im.dst, file)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			if file != im.dst {
				folders = append(folders, file)
			}
			return nil
		case rel == origin || im.wanted[filepath.ToSlash(rel)]:
			return nil
		case rel != unfinished:
			im.done.Removed++
		}
		return os.Remove(file)
	})
	for len(folders) > 0 { // the deepest first; those with files in them stay
		os.Remove(folders[len(folders)-1])
		folders = folders[:len(folders)-1]
	}
	return err
}

// place brings one file into the dataset, if it is not there as it is.
func (im *importer) place(f source) error {
	dst := filepath.Join(im.dst, filepath.FromSlash(f.rel))
	if have, err := os.Lstat(dst); err == nil && same(have, f.info) {
		im.done.Files++
		return nil
	}
	in, err := os.Open(f.path)
	if err != nil {
		im.skip(f.rel)
		return nil
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	temp := filepath.Join(im.dst, unfinished)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(f.path, temp) != nil {
		if err := copyFile(temp, in, f.info.ModTime()); err != nil {
			return err
		}
		im.done.Copied++
	}
	if err := os.Rename(temp, dst); err != nil {
		return err
	}
	im.done.Files++
	im.done.Added++
	return nil
}

// same tells whether a file of the dataset is the source's, or a copy of it.
func same(have, want fs.FileInfo) bool {
	return os.SameFile(have, want) ||
		have.Mode().IsRegular() && have.Size() == want.Size() && have.ModTime().Equal(want.ModTime())
}

// copyFile writes what is left of in to a new file with the time of its
// original, by which the next import knows it.
func copyFile(file string, in io.Reader, modified time.Time) error {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(file, time.Time{}, modified)
}
