package augmenter

import (
	"context"
	"time"

	"selfstream/schemas"
)

// beat tells every so often that the augmenter is alive, until ctx ends, and
// then that it leaves. A pulse that does not arrive is no loss: another follows.
func (a *augmenter) beat(ctx context.Context) {
	began := time.Now()
	tick := time.NewTicker(schemas.PulseEvery)
	defer tick.Stop()
	for {
		if err := a.Flow.Tell(a.pulse(began, ctx.Err() != nil)); err != nil {
			a.Log.Debug("telling that it is alive", "err", err)
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (a *augmenter) pulse(began time.Time, leaving bool) schemas.Pulse {
	a.mu.Lock()
	run := a.run
	a.mu.Unlock()
	c := a.Stats.Read()
	return schemas.Pulse{
		Name: a.Name, Began: began, Time: time.Now(), Run: run, Fingerprint: Fingerprint(), Workers: a.Workers, Images: c.Images, Holes: c.Holes,
		Waiting: c.Waiting.Seconds(), Fetching: c.Fetching.Seconds(), Rendering: c.Rendering.Seconds(), Publishing: c.Publishing.Seconds(),
		Leaving: leaving,
	}
}
