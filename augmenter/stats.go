package augmenter

import (
	"sync"
	"time"

	"selfstream/schemas"
)

// Counts are what an augmenter has done so far.
type Counts struct {
	Splits int64 // made and published
	Images int64 // that were rendered
	Holes  int64
	Cached int64 // files that were in the cache
	Bytes  int64 // of samples, published

	schemas.Effort // adds up to workers × time, but for the splits at work
}

// Stats count while an augmenter runs. The zero value is ready.
type Stats struct {
	mu     sync.Mutex
	counts Counts
	idle   int       // workers without a split
	since  time.Time // when idle changed last
}

// Read returns the counts of now.
func (s *Stats) Read() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(0)
	return s.counts
}

// work tells that so many workers have got a split; negative, that they have
// finished it.
func (s *Stats) work(workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(-workers)
}

// shift adds the idle time until now and changes the number of idle workers.
func (s *Stats) shift(idle int) {
	now := time.Now()
	s.counts.Waiting += time.Duration(s.idle) * now.Sub(s.since)
	s.idle, s.since = s.idle+idle, now
}

// add changes the counts.
func (s *Stats) add(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}
