package study

import (
	"fmt"
	"io"
	"strings"

	"slices"
)

// Table is text in rows.
type Table struct {
	Head []string
	Rows [][]string
}

// Table has a row for each arm and a column for each reading.
func (r *Results) Table() Table {
	t := Table{Head: []string{"run"}}
	for _, reading := range r.Readings {
		t.Head = append(t.Head, reading.Name)
	}
	for _, arm := range r.Arms {
		row := []string{arm.Name}
		for _, reading := range r.Readings {
			row = append(row, cell(r.figures(arm.Name, reading.Name), reading.Kind))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// VerdictTable has a row for each claim.
func (r *Results) VerdictTable() Table {
	t := Table{Head: []string{"claim", "verdict", "seeds", "margin, by seed"}}
	for _, v := range r.Verdicts() {
		margins := make([]string, len(v.Margins))
		for i, m := range v.Margins {
			margins[i] = signed(m, v.Kind)
		}
		t.Rows = append(t.Rows, []string{v.Says, v.Word(), fmt.Sprintf("%d of %d", v.Holds, len(v.Margins)), strings.Join(margins, ", ")})
	}
	return t
}

// cell is the mean of figures and, of several, their standard deviation.
func cell(figures []float64, kind Kind) string {
	if len(figures) == 0 {
		return "–"
	}
	mean, std := spread(figures)
	switch {
	case kind == YesNo:
		return fmt.Sprintf("%.0f of %d", mean*float64(len(figures)), len(figures))
	case len(figures) == 1 && kind == Percent:
		return fmt.Sprintf("%.1f %%", 100*mean)
	case len(figures) == 1:
		return fmt.Sprintf("%.3g", mean)
	case kind == Percent:
		return fmt.Sprintf("%.1f ± %.1f %%", 100*mean, 100*std)
	}
	return fmt.Sprintf("%.3g ± %.2g", mean, std)
}

func signed(x float64, kind Kind) string {
	if kind == Percent {
		return fmt.Sprintf("%+.1f", 100*x)
	}
	return fmt.Sprintf("%+.3g", x)
}

// WriteMarkdown writes both tables, as they are in docs/results.md.
func (r *Results) WriteMarkdown(w io.Writer) error {
	for _, t := range []Table{r.Table(), r.VerdictTable()} {
		for _, row := range slices.Concat([][]string{t.Head, slices.Repeat([]string{"---"}, len(t.Head))}, t.Rows) {
			if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | ")); err != nil {
				return err
			}
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, r.caption())
	return err
}

// caption says what a cell is.
func (r *Results) caption() string {
	seeds := strings.Trim(fmt.Sprint(r.Seeds), "[]")
	if len(r.Seeds) == 1 {
		return fmt.Sprintf("Dataset %s, seed %s.", r.Dataset, seeds)
	}
	return fmt.Sprintf("Dataset %s; mean ± standard deviation over the seeds %s. A claim holds where its margin is above 0 for every seed.",
		r.Dataset, strings.Join(strings.Fields(seeds), ", "))
}
