package flow

import "time"

// Temporary tells whether what failed with err is tried again.
func Temporary(err error) bool { return temporary(err) }

// SetPatience sets how long f waits for an answer.
func (f *Flow) SetPatience(d time.Duration) { f.patience = d }
