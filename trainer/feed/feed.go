// Package feed turns a plan into batches: it issues splits under a byte
// credit, takes samples in whatever order they come, and gives out batches in
// the order of the plan, the same for any number of augmenters.
package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"selfstream/schemas"
	"selfstream/trainer/plan"
)

// Config of a feed.
type Config struct {
	Plan        *plan.Plan
	Recipe      schemas.Recipe
	Fingerprint string      // of the samples that are accepted
	From        plan.Cursor // where to begin
	Epochs      int         // after which Next returns io.EOF; 0: never
	Batch       int         // samples in a batch
	Credit      int64       // bytes of samples that may be on their way or waiting; DefaultCredit if 0
	Holes       *Holes      // what is borne of broken images

	// Issue publishes a split. It may block, and is called again with the same
	// split when its samples are overdue.
	Issue func(context.Context, schemas.Split) error

	// Retract takes back the splits that are still queued, before all of them
	// are issued again: where nobody works, repeats would pile up, and whoever
	// came in the end would have to make them all.
	Retract func(context.Context) error

	Log *slog.Logger
}

// DefaultCredit bounds the samples on their way, all augmenters together. Half
// of what JetStream lets wait at one stream before it refuses more.
const DefaultCredit = 64 << 20

const (
	tick      = 50 * time.Millisecond // how often overdue splits are looked for
	leastWait = 2 * time.Second       // before a split is issued again, when splits are quick
)

// Stats are the figures of a feed, for metrics.
type Stats struct {
	SplitsOut     int   // issued and not yet trained on
	BufferedBytes int64 // of samples that wait for their turn
	Reissued      int   // splits issued again, in all
	Refused       int   // messages refused, in all
}

// Feed gives out the batches of a run.
type Feed struct {
	cfg    Config
	cutter *Cutter // of Next alone

	mu      sync.Mutex
	window  *window
	clock   *clock // of the window
	stats   Stats
	fatal   error
	arrived chan struct{} // told when the head may be ready, or fatal is set
	freed   chan struct{} // told when there may be credit
}

// New returns a feed that begins at cfg.From. It moves once Run runs.
func New(cfg Config) *Feed {
	if cfg.Credit == 0 {
		cfg.Credit = DefaultCredit
	}
	w := newWindow(cfg.Plan, cfg.Recipe, cfg.Fingerprint, cfg.Credit, cfg.From.Position)
	if cfg.Epochs > 0 {
		w.end = plan.Position{Epoch: cfg.Epochs}
	}
	return &Feed{
		cfg: cfg, window: w, clock: newClock(time.Now()), cutter: NewCutter(cfg.Plan, cfg.Batch, cfg.From),
		arrived: make(chan struct{}, 1), freed: make(chan struct{}, 1),
	}
}

// Run issues splits until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for {
		splits, all := f.due()
		if all {
			if err := f.cfg.Retract(ctx); err != nil && ctx.Err() == nil {
				f.cfg.Log.Warn("leaving splits in the queue that are issued again", "err", err)
			}
		}
		for _, split := range splits {
			if err := f.cfg.Issue(ctx, split); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				f.fail(err)
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.freed:
		case <-ticks.C:
		}
	}
}

// due are the splits to publish now: those that are overdue, and one new one
// after the other as far as the credit goes. It also tells whether all that are
// out are overdue.
func (f *Feed) due() (splits []schemas.Split, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.look(time.Now())
	splits = f.window.overdue(now, leastWait)
	f.stats.Reissued += len(splits)
	all = len(splits) > 0 && len(splits) == len(f.window.flights)
	for _, s := range splits {
		f.cfg.Log.Debug("issuing an overdue split again", "run", s.Run, "epoch", s.Epoch, "split", s.Index)
	}
	for {
		split, ok := f.window.issue(now)
		if !ok {
			return splits, all
		}
		splits = append(splits, split)
	}
}

// Arrival is what the message that brings samples says of them.
type Arrival struct {
	Augmenter string         // that made them
	Bytes     int64          // of the body
	Digest    schemas.Digest // of the body, which has been held against it
}

// ArrivalOf reads it from a message. Samples need a digest, which tells whether
// they came through whole.
func ArrivalOf(h nats.Header, body []byte) (Arrival, error) {
	sum, err := schemas.ParseDigest(h.Get(schemas.DigestHeader))
	if err != nil {
		return Arrival{}, fmt.Errorf("samples without the header %s, which tells whether they came through whole: %w", schemas.DigestHeader, err)
	}
	return Arrival{Augmenter: h.Get(schemas.AugmenterHeader), Bytes: int64(len(body)), Digest: sum}, nil
}

// Admit takes the samples of a message. An error that wraps ErrRefused is about
// this message alone; its split is issued again. Any other error ends the run.
// Samples stay where the message has them until they are trained on.
func (f *Feed) Admit(s *schemas.Samples, a Arrival) error {
	f.mu.Lock()
	err := f.window.admit(s, a, f.clock.look(time.Now()))
	if errors.Is(err, ErrRefused) {
		f.stats.Refused++
	}
	f.mu.Unlock()
	if err != nil && !errors.Is(err, ErrRefused) {
		f.fail(err)
	}
	tell(f.arrived)
	return err
}

// Next waits for the next batch of the plan. It returns io.EOF when too little
// is left of the run to fill one, and the error that ended the run if one did.
// Only one goroutine may call it.
func (f *Feed) Next(ctx context.Context) (*Batch, error) {
	for {
		if b := f.cutter.Next(); b != nil {
			return b, nil
		}
		samples, err := f.take()
		if err != nil {
			return nil, err
		}
		if samples == nil {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-f.arrived:
			}
			continue
		}
		tell(f.freed)
		if err := f.cfg.Holes.Add(samples); err != nil {
			return nil, err
		}
		f.cutter.Add(samples)
	}
}

// take removes the samples at the head, or returns nil if they are not there
// yet.
func (f *Feed) take() (*schemas.Samples, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fatal != nil:
		return nil, f.fatal
	case f.cfg.Epochs > 0 && f.window.head.Epoch >= f.cfg.Epochs:
		return nil, io.EOF
	case !f.window.ready():
		return nil, nil
	}
	return f.window.take(), nil
}

// Stats may be asked for at any time.
func (f *Feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.SplitsOut = len(f.window.flights)
	f.stats.BufferedBytes = f.window.buffered
	return f.stats
}

func (f *Feed) fail(err error) {
	f.mu.Lock()
	if f.fatal == nil {
		f.fatal = err
	}
	f.mu.Unlock()
	tell(f.arrived)
}

// tell wakes whoever waits on c, now or next.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
