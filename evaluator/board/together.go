package board

import (
	"fmt"
	"slices"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/chart"
)

// together are the figures that show all runs at once.
func together(views []*view) []*figure {
	if len(views) < 2 {
		return nil
	}
	linear, knn := overlay("top-1 accuracy", true), overlay("top-1 accuracy", true)
	loss := overlay("loss", false)
	linear.Dots, knn.Dots = true, true
	for _, v := range views {
		l, k, s := chart.Series{Name: v.Run.Run}, chart.Series{Name: v.Run.Run}, chart.Series{Name: v.Run.Run}
		for _, p := range v.Probes {
			if p.LinearTop1 != nil {
				l.Points = append(l.Points, chart.Point{X: float64(p.Step), Y: *p.LinearTop1})
			}
			if p.KNNTop1 != nil {
				k.Points = append(k.Points, chart.Point{X: float64(p.Step), Y: *p.KNNTop1})
			}
		}
		for _, m := range v.Curve.Points {
			s.Points = append(s.Points, chart.Point{X: float64(m.Step), Y: m.Loss})
		}
		linear.Series, knn.Series, loss.Series = append(linear.Series, l), append(knn.Series, k), append(loss.Series, s)
	}
	return []*figure{
		lines("all-linear", "Linear probe", "Step 0 is the untrained encoder.", linear),
		lines("all-knn", "k-NN probe", "", knn),
		lines("all-loss", "Loss", "Losses of different methods cannot be compared.", loss),
	}
}

func overlay(label string, share bool) chart.Lines {
	return chart.Lines{X: chart.Axis{Label: "step"}, Y: chart.Axis{Label: label, Percent: share}}
}

// compared is a table of the numbers of all runs, a column each.
type compared struct {
	Runs []string
	Rows []comparedRow

	protocol string // that was written last
}

type comparedRow struct {
	Name     string
	Cells    []string
	Protocol string // what those who have a number have in common
}

// add leaves out rows that no run has anything for, and does not repeat the
// protocol of the row above.
func (c *compared) add(name string, cells []string, protocol string) {
	if !slices.ContainsFunc(cells, func(s string) bool { return s != "" }) {
		return
	}
	row := comparedRow{Name: name, Cells: cells}
	if protocol != c.protocol {
		row.Protocol, c.protocol = protocol, protocol
	}
	c.Rows = append(c.Rows, row)
}

// compareViews puts the last snapshots of runs side by side: none is chosen by its
// test images.
func compareViews(views []*view) *compared {
	c := &compared{}
	for _, v := range views {
		c.Runs = append(c.Runs, v.Run.Run)
	}
	say := func(name, probe string, of func(*view) string) {
		var cells []string
		for _, v := range views {
			cells = append(cells, of(v))
		}
		c.add(name, cells, commonProtocol(views, probe))
	}
	probed := func(of func(*history.Probed) *float64) func(*view) string {
		return func(v *view) string {
			if p := v.Newest(); p != nil && of(p) != nil {
				return percent(of(p))
			}
			return ""
		}
	}
	say("method", "", func(v *view) string { return v.Method })
	say("dataset", "", func(v *view) string { return fmt.Sprintf("%s, %d images", v.Dataset, v.Images) })
	say("encoder", "", func(v *view) string { return fmt.Sprintf("%s at %d pixels", v.Config.Encoder, v.Config.ImageSize) })
	say("steps", "", func(v *view) string { return fmt.Sprintf("%d of %d", v.Steps, v.StepsPlanned) })
	say("linear top-1", "linear", probed(func(p *history.Probed) *float64 { return p.LinearTop1 }))
	say("against untrained", "", (*view).Gain)
	say("best stage", "", func(v *view) string {
		if p := v.Newest(); p != nil && p.LinearBestTop1 != nil {
			return percent(p.LinearBestTop1) + " " + p.LinearBestStage
		}
		return ""
	})
	say("k-NN top-1", "knn", probed(func(p *history.Probed) *float64 { return p.KNNTop1 }))
	for _, e := range evennesses {
		say(e.name, evaluator.Balance, func(v *view) string { return e.of(v.Newest()) })
	}
	for _, m := range measures {
		say(m.name, m.probe, func(v *view) string {
			if r := v.report(m.probe); r != nil {
				return cell(r.Value, m.share)
			}
			return ""
		})
	}
	c.addAsked(views)
	return c
}

// commonProtocol is what the newest reports of all runs have in common.
func commonProtocol(views []*view, probe string) string {
	var reports []schemas.Report
	for _, v := range views {
		if r := v.report(probe); r != nil {
			reports = append(reports, *r)
		}
	}
	if len(reports) == 0 {
		return ""
	}
	p := history.Protocols(reports)[0]
	for _, e := range evennesses {
		delete(p.Constants, e.key) // the classes of a group
	}
	return protocolText(p)
}

// addAsked adds the verdicts of all runs, a row each question. Those about other
// images than the run's own name them.
func (c *compared) addAsked(views []*view) {
	var questions []history.Question
	answers := map[history.Question][]string{}
	var reports []schemas.Report
	for i, v := range views {
		reports = append(reports, v.Evaluations...)
		for _, a := range history.Verdicts(v.Evaluations) {
			if a.Trained == nil || !a.OfEncoder() {
				continue
			}
			if answers[a.Question] == nil {
				questions = append(questions, a.Question)
				answers[a.Question] = slices.Repeat([]string{""}, len(views))
			}
			answers[a.Question][i] = a.Trained.String()
			if a.Untrained != nil {
				answers[a.Question][i] += ", against " + a.Untrained.String()
			}
		}
	}
	protocols := history.Protocols(reports)
	for _, q := range questions {
		name := probeText(q) + ", " + q.LabelsText() + " labels, " + q.Stage + " stage"
		if q.Dataset != "" {
			name += ", on " + q.Dataset
		}
		text := ""
		if i := slices.IndexFunc(protocols, func(p history.Protocol) bool { return p.Probe == q.Probe }); i >= 0 {
			text = protocolText(protocols[i])
		}
		c.add(name, answers[q], text)
	}
}
