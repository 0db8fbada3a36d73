// Package cache turns a folder of this machine into a memory for bytes that
// were fetched from afar. Any number of processes may share a folder.
//
//	<dir>/size            what all entries weigh; locked while it is changed
//	<dir>/<xx>/<digest>   an entry: the SHA-256 of its name and data, and the data
//	<dir>/.new-*          an entry that is not whole yet
//
// What is damaged counts as missing, and is removed. The folder may be deleted
// whenever no process uses it.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"selfstream/schemas/digest"
)

// ErrFull is returned by Put where all entries have been used lately.
var ErrFull = errors.New("the cache is full")

// idle is for how long an entry must not have been used to make room for another.
// Less would be of no use: where an epoch reads each image once and in random
// order, the best that a cache smaller than the dataset can do is to keep what it
// has. Making room for every new image, the longest unused first, half of the
// dataset would give 15 % hits instead of 50 %.
const idle = time.Hour

// Cache is a folder of entries. It may be used by many goroutines at once.
type Cache struct {
	dir   string
	limit int64
	full  patience
}

// Open uses a folder, which is made if it is missing, for up to limit bytes of
// data.
func Open(dir string, limit int64) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening cache: %w", err)
	}
	if limit <= 0 {
		return nil, fmt.Errorf("opening cache %s: size: have %d bytes, want more than 0", dir, limit)
	}
	c := &Cache{dir: dir, limit: limit}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening cache: %w", err)
	}
	if err := c.account(func(int64) (int64, error) { return c.sweep(c.limit) }); err != nil {
		return nil, fmt.Errorf("opening cache %s: %w", dir, err)
	}
	return c, nil
}

// file is where the entry of that name lies.
func (c *Cache) file(name string) string {
	sum := sha256.Sum256([]byte(name))
	text := hex.EncodeToString(sum[:])
	return filepath.Join(c.dir, text[:2], text[2:])
}

// seal is what an entry begins with.
func seal(name string, data []byte) []byte {
	sum := digest.Sum(strconv.AppendQuote(nil, name), data)
	return sum[:]
}

// Get returns an entry, or false if there is none, or a damaged one.
func (c *Cache) Get(name string) ([]byte, bool) {
	file := c.file(name)
	entry, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	if len(entry) < sha256.Size || string(seal(name, entry[sha256.Size:])) != string(entry[:sha256.Size]) {
		c.remove(file, int64(len(entry)))
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // if it has just been removed, it is read all the same
	return entry[sha256.Size:], true
}

// remove takes an entry away. If that fails, it is found damaged again.
func (c *Cache) remove(file string, size int64) {
	_ = c.account(func(used int64) (int64, error) {
		if err := os.Remove(file); err != nil {
			return used, nil // another process was faster
		}
		return max(0, used-size), nil
	})
}

// Put keeps an entry. Entries that were not used for an hour make room for it,
// the longest unused first; without such the error is ErrFull.
func (c *Cache) Put(name string, data []byte) error {
	size := int64(sha256.Size + len(data))
	if size > c.limit || c.full.waits() {
		return ErrFull
	}
	file := c.file(name)
	err := c.account(func(used int64) (_ int64, err error) {
		if used+size > c.limit {
			// A tenth more, so that not every entry takes a sweep.
			if used, err = c.sweep(max(0, c.limit-size-c.limit/10)); err != nil {
				return used, err
			}
		}
		if used+size > c.limit {
			return used, ErrFull
		}
		if _, err := os.Lstat(file); err == nil {
			return used, nil // another worker was faster
		}
		if err := c.write(file, seal(name, data), data); err != nil {
			return used, err
		}
		return used + size, nil
	})
	if errors.Is(err, ErrFull) {
		c.full.begin()
		return err
	}
	if err != nil {
		return fmt.Errorf("writing to cache %s: %w", c.dir, err)
	}
	return nil
}

// write makes the file of an entry, whole or not at all.
func (c *Cache) write(file string, parts ...[]byte) error {
	f, err := os.CreateTemp(c.dir, unfinished+"*")
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err = f.Write(part); err != nil {
			break
		}
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if errors.Is(err, fs.ErrNotExist) { // the first of its folder
		if err = os.Mkdir(filepath.Dir(file), 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			err = os.Rename(f.Name(), file)
		}
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
