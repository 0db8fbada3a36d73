package board

import (
	"fmt"
	"math"
	"strings"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/chart"
)

// evenness is one figure of evaluator.Balance.
type evenness struct {
	name, short, key string // key in history.Probed.Balance
	share            bool   // an accuracy, and no number of its own
	group            bool   // of classes, by how many images of them the run trained on
}

var evennesses = []evenness{
	{"mean over classes", "mean", "class_mean", true, false},
	{"classes with many images", "many", "many", true, true},
	{"classes with medium", "medium", "medium", true, true},
	{"classes with few", "few", "few", true, true},
	{"std over classes", "std", "std", true, false},
	{"balancedness β, σ = 1", "β, σ = 1", "balancedness", false, false},
	{"balancedness β, σ = 0.2", "β, σ = 0.2", "balancedness_0.2", false, false},
}

// of is the figure of a snapshot as text, or "".
func (e evenness) of(p *history.Probed) string {
	if p == nil {
		return ""
	}
	y, ok := p.Balance[e.key]
	switch {
	case !ok:
		return ""
	case e.share:
		return cell(y, true)
	}
	return fmt.Sprintf("%.3f", y)
}

// Balance is how even the linear probe is over the classes.
func (v *view) Balance() *figure {
	r := v.report(evaluator.Balance)
	if r == nil {
		return nil
	}
	now, columns := v.Newest(), []*history.Probed{v.First()}
	f := &figure{
		ID: "balance", Name: "How even it is over classes, linear probe", Open: true,
		Note:     "Of the accuracies of the classes: mean, that of those with many, medium and few images, standard deviation, and balancedness β, which is the mean over all pairs of classes of exp(−|a − b|/σ), a and b being two of them: 1 where all are equal.",
		Protocol: protocolText(plainBalance(*r)),
		Table:    table{Head: []string{"", "untrained"}},
	}
	if now.Step > 0 {
		columns, f.Table.Head = append(columns, now), append(f.Table.Head, v.stepName(now.Step))
	}
	if s := lastLabelled(v.supervised); s != nil && s.Balance != nil {
		columns, f.Table.Head = append(columns, s), append(f.Table.Head, "with labels")
	}
	bars := chart.Bars{Title: "Accuracy of classes by how many images they had", Percent: true}
	for _, e := range evennesses {
		row := []string{e.short}
		for _, p := range columns {
			row = append(row, e.of(p))
		}
		if strings.Join(row[1:], "") == "" {
			continue
		}
		f.Table.Rows = append(f.Table.Rows, row)
		if e.group {
			bars.Bars = append(bars.Bars, chart.Bar{Name: e.key, Value: now.Balance[e.key], Mark: v.untrainedBalance(e.key)})
			f.Note += fmt.Sprintf(" With %s images to train on: %s.", e.key, r.Constants[e.key])
		}
	}
	if len(bars.Bars) > 0 {
		f.SVG = bars.SVG()
	}
	return f
}

// untrainedBalance is NaN where there is none to compare with.
func (v *view) untrainedBalance(key string) float64 {
	if first := v.First(); first != nil && v.Newest().Step > 0 {
		if y, ok := first.Balance[key]; ok {
			return y
		}
	}
	return math.NaN()
}

// plainBalance leaves out of the protocol which classes are in which group: the
// note says that.
func plainBalance(r schemas.Report) history.Protocol {
	p := history.Protocols([]schemas.Report{r})[0]
	for _, e := range evennesses {
		if e.group {
			delete(p.Constants, e.key)
		}
	}
	return p
}

// lastLabelled is the last snapshot of a run that was probed with labels; nil if
// there is none, or no run.
func lastLabelled(r *history.Run) *history.Probed {
	if r == nil {
		return nil
	}
	for i := len(r.Probes) - 1; i >= 0; i-- {
		if r.Probes[i].LinearTop1 != nil {
			return &r.Probes[i]
		}
	}
	return nil
}
