package augmenter

import (
	"sync"
	"time"
)

// Counts are what an augmenter has done so far. The times are those of all
// workers together: they add up to workers × time.
type Counts struct {
	Splits int64 // made and published
	Images int64 // that were rendered
	Holes  int64
	Bytes  int64 // of samples, published

	Waiting    time.Duration // for splits
	Fetching   time.Duration // waiting for files
	Rendering  time.Duration // decoding, and making views
	Publishing time.Duration // until the queue has the samples
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
