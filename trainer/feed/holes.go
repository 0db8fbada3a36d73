package feed

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"selfstream/schemas"
)

// ErrTooManyHoles is wrapped by the error that stops a run whose images are
// too often broken.
var ErrTooManyHoles = errors.New("too many broken images")

// Holes counts the images that could not be used, each once, and stops a run
// that meets too many.
type Holes struct {
	images  int     // of the manifest
	count   int     // borne whatever their share
	rate    float64 // borne share of the images met
	run     string
	mu      sync.Mutex
	met     int // images met, as far as the first epoch goes
	rejects map[int64]schemas.Reject
}

// NewHoles returns the count of a run over that many images, of which before
// were already met, with those rejects. The run stops at more than count
// broken images that are more than rate of those met, and when all are broken.
// What was borne before is borne again: rejects may be ahead of what was met.
func NewHoles(run string, images, count int, rate float64, before int, rejects []schemas.Reject) *Holes {
	h := &Holes{run: run, images: images, count: max(count, len(rejects)), rate: rate, met: min(before, images), rejects: map[int64]schemas.Reject{}}
	for _, r := range rejects {
		h.rejects[r.ID] = r
	}
	return h
}

// Add counts the holes of a split whose turn it is. The error wraps
// ErrTooManyHoles.
func (h *Holes) Add(s *schemas.Samples) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.met = min(h.met+len(s.IDs)+len(s.Holes), h.images)
	for _, hole := range s.Holes {
		h.rejects[hole.ID] = schemas.Reject{Run: h.run, ID: hole.ID, Key: hole.Key, Reason: hole.Reason}
	}
	n := len(h.rejects)
	if n < h.images && (n <= h.count || float64(n) <= h.rate*float64(h.met)) {
		return nil
	}
	return fmt.Errorf("%w: %d of the %d images met so far, such as %s; mend or remove them, or raise --max-holes or --max-hole-rate",
		ErrTooManyHoles, n, h.met, h.examples(3))
}

// examples names the first few broken images and what is wrong with them.
func (h *Holes) examples(n int) string {
	var names []string
	for _, r := range h.sorted()[:min(n, len(h.rejects))] {
		names = append(names, fmt.Sprintf("%q (%s)", r.Key, r.Reason))
	}
	return strings.Join(names, ", ")
}

// Rejects lists the broken images met so far, by id.
func (h *Holes) Rejects() []schemas.Reject {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sorted()
}

// Len is the number of broken images met so far.
func (h *Holes) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rejects)
}

func (h *Holes) sorted() []schemas.Reject {
	return slices.SortedFunc(maps.Values(h.rejects), func(a, b schemas.Reject) int { return cmp.Compare(a.ID, b.ID) })
}
