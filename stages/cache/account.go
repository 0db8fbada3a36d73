package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	sizeFile   = "size"
	unfinished = ".new-"
)

// account has change tell what all entries weigh from what they weighed before.
// No other goroutine or process does so meanwhile.
func (c *Cache) account(change func(used int64) (int64, error)) (err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, sizeFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // which unlocks it
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	text := make([]byte, 20)
	n, _ := f.Read(text)
	used, err := strconv.ParseInt(strings.TrimSpace(string(text[:n])), 10, 64)
	if err != nil { // it is new, or damaged
		if used, err = c.sweep(c.limit); err != nil {
			return err
		}
	}
	used, err = change(used)
	_, err2 := f.WriteAt([]byte(strconv.FormatInt(used, 10) + "\n                   ")[:20], 0)
	return errors.Join(err, err2)
}

// entry is a file of the cache.
type entry struct {
	file string
	size int64
	used time.Time
}

// sweep removes entries that are idle, the longest unused first, until the rest
// weighs at most limit, and what writers that died have left. It returns what the
// rest weighs.
func (c *Cache) sweep(limit int64) (used int64, err error) {
	entries, err := c.entries()
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		used += e.size
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.file, b.file)) })
	for _, e := range entries {
		if used <= limit || time.Since(e.used) < idle && used <= c.limit {
			break
		}
		if err := os.Remove(e.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return used, err
		}
		used -= e.size
	}
	return used, nil
}

// ours is what files of the cache are called, below its folder. All others stay.
var ours = regexp.MustCompile(`^([0-9a-f]{2}/[0-9a-f]{62}|` + regexp.QuoteMeta(unfinished) + `[0-9]+)$`)

// entries lists the cache, and removes unfinished ones that are idle.
func (c *Cache) entries() (all []entry, err error) {
	err = filepath.WalkDir(c.dir, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(c.dir, file)
		if err != nil || !ours.MatchString(filepath.ToSlash(rel)) {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), unfinished) {
			if time.Since(info.ModTime()) > idle {
				return os.Remove(file)
			}
			return nil
		}
		all = append(all, entry{file, info.Size(), info.ModTime()})
		return nil
	})
	return all, err
}

// patience keeps a full cache from being swept for every entry that it has no
// room for.
type patience struct{ left atomic.Int32 }

const patienceLasts = 1000 // entries

func (p *patience) begin() { p.left.Store(patienceLasts) }

func (p *patience) waits() bool { return p.left.Load() > 0 && p.left.Add(-1) > 0 }
