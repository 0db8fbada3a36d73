package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"selfstream/stages/bucket"
)

// folder is a folder of this machine as a dataset to look at.
type folder struct {
	dir    string
	prefix string // of all keys: the dataset's name and a slash
}

// List yields the files below the folder, whatever the prefix.
func (f folder) List(ctx context.Context, _ string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) {
		files, err := f.files(ctx)
		if err != nil {
			yield(bucket.Info{}, fmt.Errorf("looking for photos: %w", err))
			return
		}
		for _, info := range files {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// files are those below the folder, in the order of their keys.
func (f folder) files(ctx context.Context) (files []bucket.Info, err error) {
	err = filepath.WalkDir(f.dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(f.dir, file)
		if err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		files = append(files, f.info(f.prefix+filepath.ToSlash(rel), info))
		return nil
	})
	slices.SortFunc(files, func(a, b bucket.Info) int { return strings.Compare(a.Key, b.Key) })
	return files, err
}

func (f folder) info(key string, file fs.FileInfo) bucket.Info {
	return bucket.Info{Key: key, Size: file.Size(), Modified: file.ModTime()}
}

// Get reads a file. See bucket.Bucket.
func (f folder) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	data, info, err := f.GetRange(ctx, key, 0, limit)
	if err == nil && info.Size > limit {
		return nil, info, fmt.Errorf("reading %s: %w: have %d bytes, want at most %d", key, bucket.ErrTooLarge, info.Size, limit)
	}
	return data, info, err
}

// GetRange reads a part of a file. See bucket.Bucket.
func (f folder) GetRange(_ context.Context, key string, offset, n int64) ([]byte, bucket.Info, error) {
	file, err := os.Open(filepath.Join(f.dir, filepath.FromSlash(strings.TrimPrefix(key, f.prefix))))
	if err != nil {
		return nil, bucket.Info{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, bucket.Info{}, err
	}
	data, err := io.ReadAll(io.NewSectionReader(file, offset, n))
	return data, f.info(key, info), err
}
