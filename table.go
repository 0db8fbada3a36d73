package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"selfstream/evaluator/history"
)

// table writes the probes of a run against those of the untrained encoder.
func table(w io.Writer, s history.Summary) {
	if len(s.Probes) == 0 {
		fmt.Fprintln(w, "no snapshot has been probed yet")
		return
	}
	if s.Labelled() {
		accuracies(w, s)
	} else {
		labelFree(w, s)
	}
	for _, note := range s.Probes[len(s.Probes)-1].Notes {
		fmt.Fprintln(w, note)
	}
}

// column is one column of a table. One whose cells are all empty is left out.
type column struct {
	head string
	cell func(p history.Probed) string
}

func accuracies(w io.Writer, s history.Summary) {
	gain := func(top1 func(history.Probed) *float64) func(history.Probed) string {
		return func(p history.Probed) string {
			if p.Step == s.Probes[0].Step {
				return ""
			}
			return difference(top1(p), top1(s.Probes[0]))
		}
	}
	linear, best := func(p history.Probed) *float64 { return p.LinearTop1 }, func(p history.Probed) *float64 { return p.LinearBestTop1 }
	knn := func(p history.Probed) *float64 { return p.KNNTop1 }
	write(w, s.Probes, []column{
		{"step", func(p history.Probed) string { return strconv.Itoa(p.Step) }},
		{"loss", lossText},
		{"linear top-1", func(p history.Probed) string { return percent(linear(p)) }},
		{"best stage", func(p history.Probed) string {
			if best(p) == nil {
				return ""
			}
			return p.LinearBestStage + " " + percent(best(p))
		}},
		{"k-NN top-1", func(p history.Probed) string { return percent(knn(p)) }},
		{"pretext", pretextText},
		{"linear vs untrained", gain(linear)},
		{"best vs best", gain(best)},
		{"k-NN vs untrained", gain(knn)},
	})
}

// labelFree is the table of a dataset without labels.
func labelFree(w io.Writer, s history.Summary) {
	columns := []column{{"step", func(p history.Probed) string { return strconv.Itoa(p.Step) }}, {"loss", lossText}, {"pretext", pretextText}}
	for _, name := range sortedKeys(s.Probes[0].Others) {
		columns = append(columns, column{name, func(p history.Probed) string { return fmt.Sprintf("%.4g", p.Others[name]) }})
	}
	write(w, s.Probes, columns)
}

// write writes a line for each snapshot.
func write(w io.Writer, rows []history.Probed, columns []column) {
	columns = slices.DeleteFunc(columns, func(c column) bool {
		return !slices.ContainsFunc(rows, func(p history.Probed) bool { return c.cell(p) != "" })
	})
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, c := range columns {
		fmt.Fprint(tw, c.head, "\t")
	}
	fmt.Fprintln(tw)
	for _, p := range rows {
		for _, c := range columns {
			fmt.Fprint(tw, c.cell(p), "\t")
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}

// stages writes what the probes say of each stage of the untrained encoder, and
// of the last one that was looked at as closely.
func stages(w io.Writer, s history.Summary) {
	closely := slices.DeleteFunc(slices.Clone(s.Probes), func(p history.Probed) bool { return p.Stages == nil })
	if len(closely) == 0 {
		return
	}
	first, last := closely[0], closely[len(closely)-1]
	fmt.Fprintf(w, "\nstages of the encoder at step %d, against step %d:\n", last.Step, first.Step)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "stage\tlinear top-1\tk-NN top-1\tlinear gain\tk-NN gain\t")
	for i, now := range last.Stages {
		was := first.Stages[i]
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t\n", now.Stage, percent(now.LinearTop1), percent(now.KNNTop1),
			difference(now.LinearTop1, was.LinearTop1), difference(now.KNNTop1, was.KNNTop1))
	}
	tw.Flush()
}

// balance writes how even the linear probe is over the classes.
func balance(w io.Writer, s history.Summary) {
	rows := slices.DeleteFunc(slices.Clone(s.Probes), func(p history.Probed) bool { return p.Balance == nil })
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(w, "\nthe linear probe over classes, which had many, medium or few images to train on:")
	columns := []column{{"step", func(p history.Probed) string { return strconv.Itoa(p.Step) }}}
	for _, name := range []string{"many", "medium", "few", "std"} {
		columns = append(columns, column{name, func(p history.Probed) string {
			v, ok := p.Balance[name]
			if !ok {
				return ""
			}
			return percent(&v)
		}})
	}
	for _, of := range [][2]string{{"balancedness", "balancedness (1)"}, {"balancedness_0.2", "balancedness (0.2)"}} {
		columns = append(columns, column{of[1], func(p history.Probed) string { return fmt.Sprintf("%.3f", p.Balance[of[0]]) }})
	}
	write(w, rows, columns)
}

func lossText(p history.Probed) string {
	if p.Step == 0 {
		return "untrained"
	}
	return fmt.Sprintf("%.3f", p.Loss)
}

// pretextText is empty for methods that ask nothing.
func pretextText(p history.Probed) string {
	if p.PretextTop1 == nil {
		return ""
	}
	return percent(p.PretextTop1)
}

func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100**v)
}

func difference(v, from *float64) string {
	if v == nil || from == nil {
		return "–"
	}
	return fmt.Sprintf("%+.1f", 100*(*v-*from))
}
