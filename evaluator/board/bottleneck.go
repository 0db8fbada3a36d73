package board

import (
	"fmt"

	"selfstream/stages/ledger"
)

// starving is the share of its time that a trainer may wait before that is
// called a bottleneck.
const starving = 0.2

// Bottleneck says which stage holds the run up, and what would help.
func (v *view) Bottleneck() string {
	m := v.Last()
	wait, wanted := m.WaitShare, m.AugmentersWanted
	have, times := float64(v.team.Workers()), v.team.times()
	augmenters, trainer := "are", "is"
	if !v.Live() {
		augmenters, trainer = "were", "was"
	}
	if s := v.Stages; !v.Live() && s != nil { // on average
		wait, wanted, have, times = s.Trainer.WaitShare, s.Augmenters.Wanted, s.Augmenters.Workers, shares(s.Augmenters)
	} else if m.Step == 0 {
		return ""
	}
	if wait < starving {
		return fmt.Sprintf("The trainer %s the bottleneck: it spent %.0f %% of its time waiting. More augmenters would not help; a faster backend, a smaller encoder or smaller images would.", trainer, 100*wait)
	}
	return fmt.Sprintf("The augmenters %s the bottleneck: the trainer spent %.0f %% of its time waiting for samples.%s", augmenters, 100*wait, moreSamples(wanted, have, times))
}

// moreSamples says how there would be more of them. So many workers would do,
// there are so many; 0 is not known.
func moreSamples(wanted, have float64, t timeShares) string {
	busy := t.Fetching + t.Rendering + t.Publishing
	switch {
	case t.Publishing > busy/2:
		return " They mostly wait until NATS has what they made: it, or the network to it, is what is slow."
	case wanted > 0 && have > 0 && wanted <= have:
		return fmt.Sprintf(" %.1f workers that do nothing else would keep it busy, and there are %.0f: they do not get the processors that they need. Start some on another machine.", wanted, have)
	}
	s := " Start more with selfstream augmenter, on this machine or another"
	if wanted > 0 {
		s += fmt.Sprintf(": %.1f workers would keep it busy", wanted)
	}
	if have > 0 {
		s += fmt.Sprintf("; there are %.0f", have)
	}
	if s += "."; t.Fetching > busy/2 {
		s += " They mostly wait for files: an S3 that is nearer would help, too."
	}
	return s
}

func shares(a ledger.Augmenters) timeShares {
	return timeShares{Waiting: a.SplitWaitShare, Fetching: a.FileWaitShare, Rendering: a.RenderShare, Publishing: a.PublishShare}
}

// stageRow says how a stage has done on average.
type stageRow struct{ Stage, Rate, Time string }

// StageRows are the stages in the order in which an image meets them, since the
// trainer last took the run up; none before its first snapshot.
func (v *view) StageRows() []stageRow {
	s := v.Stages
	if s == nil {
		return nil
	}
	a, f, t, e := s.Augmenters, s.Feed, s.Trainer, s.Evaluator
	rows := []stageRow{
		{"augmenters", fmt.Sprintf("%.0f images/s by %.1f workers", a.ImagesPerSecond, a.Workers), shares(a).String()},
		{
			"queue", fmt.Sprintf("%d splits under way", f.SplitsOut),
			fmt.Sprintf("%s of %s of samples wait; %d splits issued again, %d messages refused", bytesText(f.BufferedBytes), bytesText(f.CreditBytes), a.Retries, f.Refused),
		},
		{"trainer", fmt.Sprintf("%.0f images/s", t.ImagesPerSecond), inWords([]partOfTime{
			{"making steps", t.StepShare}, {"waiting for samples", t.WaitShare}, {"writing snapshots", t.SnapshotShare},
		})},
	}
	if e != nil {
		rows = append(rows, stageRow{
			"evaluators", fmt.Sprintf("%d snapshots probed, %.1f s each", e.Probed, e.SecondsPerSnapshot),
			fmt.Sprintf("at work for %.0f %% of the time of the run; %d snapshots wait, %d were skipped", 100*e.BusyShare, e.Waiting, e.Skipped),
		})
	}
	return rows
}
