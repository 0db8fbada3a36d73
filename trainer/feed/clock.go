package feed

import "time"

// clock is a clock that stands still while the process does. What has been out
// for as long as the trainer slept, was stopped or had no processor is not
// overdue: it may have been waiting all the while. Issued again, it would come
// twice, and the second time takes room that the credit knows nothing of.
type clock struct {
	looked time.Time // the last time, by the other clock
	now    time.Time
}

// longestLook is the most that may pass between two looks: some ticks.
const longestLook = 2 * tick

func newClock(at time.Time) *clock { return &clock{looked: at, now: at} }

// look is the time, when it is at elsewhere.
func (c *clock) look(at time.Time) time.Time {
	c.now = c.now.Add(min(at.Sub(c.looked), longestLook))
	c.looked = at
	return c.now
}
