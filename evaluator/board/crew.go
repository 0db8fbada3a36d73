package board

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

const (
	rateOver   = 10 * time.Second       // how far back a rate looks
	silentFrom = 3 * schemas.PulseEvery // an augmenter that has missed so much is probably gone
	forgetFrom = time.Minute            // and is not spoken of any more after that
)

// crew are the augmenters that have been heard of. The zero value is empty.
type crew struct {
	mu      sync.Mutex
	since   time.Time          // they are listened for
	members map[string]*member // by name and start: two may have one name
}

type member struct {
	pulses []schemas.Pulse // the last few
	heard  time.Time       // when the last one came, by the clock of this machine
}

// watchCrew hears which augmenters are alive until ctx ends.
func (b *board) watchCrew(ctx context.Context, c *crew) error {
	c.mu.Lock()
	c.since = time.Now()
	c.mu.Unlock()
	return b.Flow.Listen(ctx, schemas.Pulse{}.Subject(), func(d flow.Delivery) error {
		p, err := flow.Decode[schemas.Pulse](d)
		if err != nil {
			b.Log.Debug("hearing of augmenters", "err", err)
			return nil // of another build
		}
		c.hear(p, time.Now())
		return nil
	})
}

func (c *crew) hear(p schemas.Pulse, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := p.Name + p.Began.String()
	if p.Leaving {
		delete(c.members, id)
		return
	}
	m := c.members[id]
	if m == nil {
		if c.members == nil {
			c.members = map[string]*member{}
		}
		m = new(member)
		c.members[id] = m
	}
	m.heard = now
	m.pulses = append(m.pulses, p)
	for len(m.pulses) > 2 && p.Time.Sub(m.pulses[0].Time) > rateOver {
		m.pulses = m.pulses[1:]
	}
}

// hand is an augmenter as a page shows it.
type hand struct {
	schemas.Pulse            // the last
	PerSecond     float64    // images, lately
	Time          timeShares // of its workers, lately
	Quiet         string     // for how long nothing has been heard of it; "" if it is alive
}

// timeShares are the shares of the time of workers, all together 1, or nothing.
type timeShares struct{ Waiting, Fetching, Rendering, Publishing float64 }

// team lists the augmenters by name, without those that are gone for long.
func (c *crew) team(now time.Time) team {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []hand{}
	for id, m := range c.members {
		quiet := now.Sub(m.heard)
		if quiet > forgetFrom {
			delete(c.members, id)
			continue
		}
		h := m.hand()
		if quiet > silentFrom {
			h.Quiet, h.PerSecond = duration(quiet), 0
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b hand) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Began.Compare(b.Began))
	})
	return team{all, !c.since.IsZero() && now.Sub(c.since) > silentFrom}
}

func (m *member) hand() hand {
	last := m.pulses[len(m.pulses)-1]
	first := schemas.Pulse{Time: last.Began} // with a single one, on average since it began
	if len(m.pulses) > 1 {
		first = m.pulses[0]
	}
	h := hand{Pulse: last}
	if seconds := last.Time.Sub(first.Time).Seconds(); seconds > 0 {
		h.PerSecond = float64(last.Images-first.Images) / seconds
	}
	t := timeShares{last.Waiting - first.Waiting, last.Fetching - first.Fetching, last.Rendering - first.Rendering, last.Publishing - first.Publishing}
	h.Time = t.times(1 / max(t.sum(), 1e-9))
	return h
}

func (t timeShares) sum() float64 { return t.Waiting + t.Fetching + t.Rendering + t.Publishing }

func (t timeShares) times(x float64) timeShares {
	return timeShares{t.Waiting * x, t.Fetching * x, t.Rendering * x, t.Publishing * x}
}

func (t timeShares) plus(u timeShares) timeShares {
	return timeShares{t.Waiting + u.Waiting, t.Fetching + u.Fetching, t.Rendering + u.Rendering, t.Publishing + u.Publishing}
}

// String says what workers do, the most first.
func (t timeShares) String() string {
	return inWords([]partOfTime{
		{"making views", t.Rendering}, {"waiting for files", t.Fetching}, {"waiting for splits", t.Waiting}, {"waiting for NATS", t.Publishing},
	})
}

// partOfTime is what a share of some time goes to.
type partOfTime struct {
	what  string
	share float64
}

// inWords leaves out what cannot be seen.
func inWords(parts []partOfTime) string {
	slices.SortStableFunc(parts, func(a, b partOfTime) int { return cmp.Compare(b.share, a.share) })
	var all []string
	for _, p := range parts {
		if p.share >= 0.005 {
			all = append(all, fmt.Sprintf("%.0f %% %s", 100*p.share, p.what))
		}
	}
	return strings.Join(all, ", ")
}

// team are augmenters, all together.
type team struct {
	Hands []hand
	Known bool // they have been listened for long enough to say that there are no others
}

// Alive counts those that are.
func (t team) Alive() (n int) {
	for _, h := range t.Hands {
		if h.Quiet == "" {
			n++
		}
	}
	return n
}

// Workers are those of the augmenters that are alive.
func (t team) Workers() (n int) {
	for _, h := range t.Hands {
		if h.Quiet == "" {
			n += h.Workers
		}
	}
	return n
}

// PerSecond are the images that all make together.
func (t team) PerSecond() (sum float64) {
	for _, h := range t.Hands {
		sum += h.PerSecond
	}
	return sum
}

// times are the shares of all workers that are alive.
func (t team) times() timeShares {
	var sum timeShares
	for _, h := range t.Hands {
		if h.Quiet == "" {
			sum = sum.plus(h.Time.times(float64(h.Workers)))
		}
	}
	return sum.times(1 / max(sum.sum(), 1e-9))
}
