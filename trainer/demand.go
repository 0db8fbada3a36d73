package trainer

import (
	"time"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

// pace is a moving average of images per second at work.
type pace struct{ images, seconds float64 }

// memory is the weight that the past keeps with each addition: about the last
// 64 count.
const memory = 1 - 1.0/64

func (p *pace) add(images int, busy time.Duration) {
	p.images = memory*p.images + float64(images)
	p.seconds = memory*p.seconds + busy.Seconds()
}

// perSecond is 0 until something is known.
func (p pace) perSecond() float64 {
	if p.seconds <= 0 {
		return 0
	}
	return p.images / p.seconds
}

// augmentersWanted is how many workers of augmenters would keep a trainer busy:
// its rate when it has not to wait, over the rate of one worker that has not to
// wait either. It is 0 until both are known.
//
// The formula is that of the tf.data service (Audibert et al. 2023,
// arXiv:2210.14826, section 3). The length of the queue says less: with a bound
// on what is on its way it is as long for a trainer that starves as for one that
// is about to.
func augmentersWanted(trainer, worker pace) float64 {
	if worker.perSecond() == 0 {
		return 0
	}
	return trainer.perSecond() / worker.perSecond()
}

// effort is what a delivery of samples tells of its maker, or nothing if it does
// not tell, or cannot be.
func effort(d flow.Delivery) schemas.Effort {
	e, err := schemas.ParseEffort(d.Header.Get(schemas.SecondsHeader))
	if err != nil || e.Busy() > time.Hour {
		return schemas.Effort{}
	}
	return e
}
