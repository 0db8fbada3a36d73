package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a Bucket that forgets everything with its process. The zero value
// is empty and ready.
type Memory struct {
	mu      sync.RWMutex
	objects map[string]object
}

type object struct {
	info Info
	data []byte // never changed, only replaced
}

func (m *Memory) Get(ctx context.Context, key string, limit int64) ([]byte, Info, error) {
	o, err := m.object(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	if o.info.Size > limit {
		return nil, o.info, tooLarge(o.info, limit)
	}
	return bytes.Clone(o.data), o.info, nil
}

func (m *Memory) GetRange(ctx context.Context, key string, offset, n int64) ([]byte, Info, error) {
	o, err := m.object(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	rest := o.data[min(offset, o.info.Size):]
	return bytes.Clone(rest[:min(n, int64(len(rest)))]), o.info, nil
}

func (m *Memory) Stat(ctx context.Context, key string) (Info, error) {
	o, err := m.object(ctx, key)
	return o.info, err
}

func (m *Memory) Put(ctx context.Context, key string, data []byte) error {
	_, err := m.put(ctx, key, data, func(object, bool) bool { return true })
	return err
}

func (m *Memory) Replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	return m.put(ctx, key, data, func(o object, exists bool) bool { return o.info.ETag == etag && exists == (etag != "") })
}

// put writes an object if what is there may be replaced, and returns its ETag.
func (m *Memory) put(ctx context.Context, key string, data []byte, may func(old object, exists bool) bool) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", fmt.Errorf("writing: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("writing %s: %w", key, err)
	}
	sum := md5.Sum(data)
	o := object{Info{key, int64(len(data)), hex.EncodeToString(sum[:]), time.Now()}, bytes.Clone(data)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, exists := m.objects[key]; !may(old, exists) {
		return "", fmt.Errorf("writing %s: %w", key, ErrChanged)
	}
	if m.objects == nil {
		m.objects = make(map[string]object)
	}
	m.objects[key] = o
	return o.info.ETag, nil
}

// List yields what there was when the loop began.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for _, info := range m.matching(prefix) {
			if err := ctx.Err(); err != nil {
				yield(Info{}, fmt.Errorf("listing %s: %w", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (m *Memory) Folders(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for info, err := range m.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if name, _, below := strings.Cut(info.Key[len(prefix):], "/"); below {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

func (m *Memory) object(ctx context.Context, key string) (object, error) {
	if err := ctx.Err(); err != nil {
		return object{}, fmt.Errorf("reading %s: %w", key, err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, ok := m.objects[key]
	if !ok {
		return object{}, fmt.Errorf("reading %s: %w", key, fs.ErrNotExist)
	}
	return o, nil
}

func (m *Memory) matching(prefix string) []Info {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var infos []Info
	for key, o := range m.objects {
		if strings.HasPrefix(key, prefix) {
			infos = append(infos, o.info)
		}
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	return infos
}

func tooLarge(info Info, limit int64) error {
	return fmt.Errorf("reading %s: %w: have %d bytes, want at most %d", info.Key, ErrTooLarge, info.Size, limit)
}
