package flow

import "time"

// SetPatience sets how long f waits for an answer.
func (f *Flow) SetPatience(d time.Duration) { f.patience = d }
