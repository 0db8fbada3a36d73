package board

import "fmt"

// Verdict says in a sentence how good the features are.
func (v *view) Verdict() string {
	last := v.Newest()
	switch {
	case last == nil:
		return "No snapshot has been probed yet."
	case last.LinearTop1 == nil:
		return v.labelFreeVerdict()
	}
	r := v.report("linear")
	s := fmt.Sprintf("A linear classifier on the frozen features of step %d gets %s of %d held-out images right", last.Step, percent(last.LinearTop1), r.Test)
	first := v.First()
	switch {
	case last.Step == 0:
		return s + ". This encoder is still untrained: it is what the others are compared with."
	case first == nil || first.LinearTop1 == nil:
		return s + "."
	}
	gain := 100 * (*last.LinearTop1 - *first.LinearTop1)
	if noise := 100 * deviation(*last.LinearTop1, r.Test); gain > 2*noise {
		return fmt.Sprintf("%s, %.1f points more than on those of the untrained encoder (%s).", s, gain, percent(first.LinearTop1))
	} else if gain > -2*noise {
		return fmt.Sprintf("%s, as on those of the untrained encoder (%s) within the noise of so few images (±%.1f points).", s, percent(first.LinearTop1), 2*noise)
	}
	return fmt.Sprintf("%s, %.1f points fewer than on those of the untrained encoder (%s): training made the features worse.", s, -gain, percent(first.LinearTop1))
}

func (v *view) labelFreeVerdict() string {
	r := v.report("rankme")
	if r == nil {
		return "No snapshot has been probed yet."
	}
	s := fmt.Sprintf("The features of step %d use %.1f of their dimensions", r.Step, r.Value)
	if most := r.Constants["largest"]; most != "" {
		s = fmt.Sprintf("The features of step %d use %.1f of at most %s dimensions", r.Step, r.Value, most)
	}
	return s + " (RankMe). Without labels no more can be said of how good they are."
}

// Warnings are what people should look after.
func (v *view) Warnings() []string {
	var all []string
	if v.Error != "" {
		all = append(all, v.Error)
	}
	if quiet := v.Silent(); quiet != "" {
		all = append(all, fmt.Sprintf("Nothing has been heard of the trainer for %s. Is it running? A run goes on when its trainer comes back, or when it is asked for again.", quiet))
	}
	if v.Live() && v.team.Known && v.team.Alive() == 0 {
		all = append(all, "No augmenter is alive. Start one with selfstream augmenter, on this machine or another; the run goes on by itself then.")
	}
	if skipped := v.Skipped(); skipped != "" {
		all = append(all, skipped)
	}
	if c := v.Collapse(); c != nil {
		all = append(all, c.Warnings...)
	}
	return all
}
