package schemas

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// SecondsHeader carries the Effort of an augmenter as text, from which the
// trainer knows what augmenters wait for and how many it could use. Samples
// without it are as good as others.
const SecondsHeader = "Selfstream-Seconds"

// Effort is what the workers of an augmenter, all together, have spent their
// time on since its message before.
type Effort struct {
	Waiting    time.Duration // for splits
	Fetching   time.Duration // waiting for files
	Rendering  time.Duration // decoding, and making views
	Publishing time.Duration // until the queue had the samples
}

// Busy is the time in which a worker had a split.
func (e Effort) Busy() time.Duration { return e.Fetching + e.Rendering + e.Publishing }

// Sum is the time of all workers.
func (e Effort) Sum() time.Duration { return e.Waiting + e.Busy() }

// Add returns e and more.
func (e Effort) Add(more Effort) Effort {
	return Effort{e.Waiting + more.Waiting, e.Fetching + more.Fetching, e.Rendering + more.Rendering, e.Publishing + more.Publishing}
}

// Since returns what was spent after before.
func (e Effort) Since(before Effort) Effort {
	return Effort{e.Waiting - before.Waiting, e.Fetching - before.Fetching, e.Rendering - before.Rendering, e.Publishing - before.Publishing}
}

// String are the four in seconds, in the order of the fields.
func (e Effort) String() string {
	return fmt.Sprintf("%.6f %.6f %.6f %.6f", e.Waiting.Seconds(), e.Fetching.Seconds(), e.Rendering.Seconds(), e.Publishing.Seconds())
}

// ParseEffort reads what String wrote. It wraps ErrInvalid.
func ParseEffort(s string) (Effort, error) {
	var e Effort
	into := []*time.Duration{&e.Waiting, &e.Fetching, &e.Rendering, &e.Publishing}
	fields := strings.Fields(s)
	if len(fields) != len(into) {
		return Effort{}, invalid("effort: have %q, want four numbers of seconds", s)
	}
	for i, field := range fields {
		seconds, err := strconv.ParseFloat(field, 64)
		if err != nil || !(seconds >= 0 && seconds < 1e9) {
			return Effort{}, invalid("effort: have %q, want four numbers of seconds", s)
		}
		*into[i] = time.Duration(math.Round(seconds * float64(time.Second)))
	}
	return e, nil
}
