package trainer

import (
	"sync"
	"time"

	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/feed"
)

// Counts are what a trainer has done at its run since it last took it up. They
// stay when the run has ended, until the next begins; but it wants no augmenters
// then.
type Counts struct {
	Run    string // empty before the first
	Step   int    // steps done, also before
	Epoch  float64
	Loss   float64
	Steps  int64 // made since
	Images int64 // trained on
	Holes  int   // distinct images that could not be used
	Credit int64 // bytes
	Feed   feed.Stats

	Waiting      time.Duration // for samples
	Stepping     time.Duration
	Snapshotting time.Duration

	// What augmenters have sent, repeats included.
	Received         int64          // images
	Effort           schemas.Effort // of their workers
	WorkerPerSecond  float64        // images of one busy worker, lately; 0 until known
	AugmentersWanted float64        // see augmentersWanted
}

// phase is what a trainer spends its time on.
type phase int

const (
	idle phase = iota // between runs
	waiting
	stepping
	snapshotting
)

// Stats count while a trainer runs. The zero value is ready.
type Stats struct {
	mu      sync.Mutex
	counts  Counts
	phase   phase
	begun   time.Time                // of the run
	since   time.Time                // of the phase
	live    func() (feed.Stats, int) // of the run at work, with its holes; nil if none is
	counted time.Duration            // of the steps and snapshots that trainer knows
	trainer pace
	worker  pace
}

// Read returns the counts of now.
func (s *Stats) Read() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(s.phase)
	if s.live != nil {
		s.counts.Feed, s.counts.Holes = s.live()
	}
	s.counts.WorkerPerSecond, s.counts.AugmentersWanted = s.worker.perSecond(), 0
	if s.phase != idle {
		s.counts.AugmentersWanted = augmentersWanted(s.trainer, s.worker)
	}
	return s.counts
}

// begin tells that a run begins. How fast augmenters are is forgotten: another
// run may have larger images.
func (s *Stats) begin(c Counts, live func() (feed.Stats, int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(waiting)
	s.begun = s.since
	s.counts, s.live, s.counted, s.trainer, s.worker = c, live, 0, pace{}, pace{}
}

// end tells that the run has ended, and lets go of it.
func (s *Stats) end() {
	s.Read()
	s.enter(idle)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = nil
}

// enter begins a phase and returns the one before.
func (s *Stats) enter(p phase) phase {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.phase
	s.shift(p)
	return before
}

// shift adds the time until now to the phase and goes to another.
func (s *Stats) shift(p phase) {
	now := time.Now()
	d := now.Sub(s.since)
	switch s.phase {
	case waiting:
		s.counts.Waiting += d
	case stepping:
		s.counts.Stepping += d
	case snapshotting:
		s.counts.Snapshotting += d
	}
	s.phase, s.since = p, now
}

// step tells that the run has got one step further.
func (s *Stats) step(images, step int, epoch, loss float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift(s.phase)
	c := &s.counts
	c.Step, c.Epoch, c.Loss = step, epoch, loss
	c.Steps++
	c.Images += int64(images)
	busy := c.Stepping + c.Snapshotting
	s.trainer.add(images, busy-s.counted)
	s.counted = busy
}

// receive tells that samples came, and what was spent on them if that is known.
func (s *Stats) receive(images int, e schemas.Effort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Received += int64(images)
	e.Waiting = min(e.Waiting, time.Since(s.begun)) // before that it was not for this run
	s.counts.Effort = s.counts.Effort.Add(e)
	if busy := e.Busy(); busy > 0 {
		s.worker.add(images, busy)
	}
}

// stages sums the counts up for those who look at the run later. It is nil
// before the first step.
func (c Counts) stages() *ledger.Stages {
	if c.Steps == 0 {
		return nil
	}
	all := c.Waiting + c.Stepping + c.Snapshotting
	workers := c.Effort.Sum()
	return &ledger.Stages{
		Augmenters: ledger.Augmenters{
			ImagesPerSecond: float64(c.Received) / all.Seconds(), WorkerPerSecond: c.WorkerPerSecond,
			Workers: share(workers, all), Busy: share(c.Effort.Busy(), all), Wanted: c.AugmentersWanted,
			SplitWaitShare: share(c.Effort.Waiting, workers), FileWaitShare: share(c.Effort.Fetching, workers),
			RenderShare: share(c.Effort.Rendering, workers), PublishShare: share(c.Effort.Publishing, workers),
			Retries: c.Feed.Reissued, Holes: c.Holes,
		},
		Feed: ledger.Feed{
			SplitsOut: c.Feed.SplitsOut, BufferedBytes: c.Feed.BufferedBytes, CreditBytes: c.Credit, Refused: c.Feed.Refused,
		},
		Trainer: ledger.Trainer{
			ImagesPerSecond: float64(c.Images) / all.Seconds(), WaitShare: share(c.Waiting, all),
			StepShare: share(c.Stepping, all), SnapshotShare: share(c.Snapshotting, all),
		},
	}
}

// share is part in units of all, or 0 if there is nothing.
func share(part, all time.Duration) float64 {
	if all <= 0 {
		return 0
	}
	return part.Seconds() / all.Seconds()
}
