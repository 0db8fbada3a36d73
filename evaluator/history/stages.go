package history

import (
	"selfstream/evaluator"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// probing is what the reports of a run say of its evaluators. Every so many
// steps there is a snapshot, beginning with the untrained encoder's.
func probing(status ledger.Status, every int, reports []schemas.Report) *ledger.Evaluator {
	e := &ledger.Evaluator{}
	seconds := 0.
	for _, r := range reports {
		seconds += r.Seconds
		switch {
		case r.Probe == evaluator.Skipped:
			e.Skipped++
		case evaluator.Last(r):
			e.Probed++
		}
	}
	snapshots := 1 + status.Step/max(1, every)
	if status.State == ledger.Finished && status.Step%max(1, every) != 0 {
		snapshots++ // the last one
	}
	e.Waiting = max(0, snapshots-e.Probed-e.Skipped)
	if e.Probed > 0 {
		e.SecondsPerSnapshot = seconds / float64(e.Probed)
	}
	if status.Seconds > 0 {
		e.BusyShare = seconds / status.Seconds
	}
	return e
}
