package flow

import "context"

// Ensure creates the streams of package schemas, or brings them up to date. It
// may be called again at any time, by several processes at once.
func (f *Flow) Ensure(ctx context.Context) error { panic("not yet") }

// Purge removes what a run that has ended leaves behind: its queued splits and
// samples, and the consumer of its samples.
func (f *Flow) Purge(ctx context.Context, run string) error { panic("not yet") }
