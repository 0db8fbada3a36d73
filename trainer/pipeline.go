package trainer

import (
	"golang.org/x/sync/errgroup"

	"selfstream/trainer/feed"
)

// pipeline makes one step after the other. What a step tells is read and counted
// while the next one is made, so that the device need not wait for the host.
type pipeline struct {
	*learner
	count func(made) error // called once for each step, in their order
	last  *made            // not yet counted; nil if all are
}

// made is a step that has been made, of a batch.
type made struct {
	*feed.Batch
	outcome
}

// step makes a step while the one before is counted. After an error the variables
// may have been moved by steps that were not counted.
func (p *pipeline) step(b loaded, lr, progress float64) error {
	var counting errgroup.Group
	counting.Go(p.drain)
	o, err := p.learner.step(b, lr, progress)
	if uncounted := counting.Wait(); uncounted != nil {
		return uncounted
	}
	if err != nil {
		return err
	}
	p.last = &made{b.Batch, o}
	return nil
}

// drain counts the last step, if it has not been. Then the variables are those
// of the steps that were counted.
func (p *pipeline) drain() error {
	last := p.last
	if last == nil {
		return nil
	}
	p.last = nil
	return p.count(*last)
}
