package board

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"selfstream/evaluator/exhibit"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

// Report writes one page about some runs, with all figures side by side. It
// needs no other file and no network.
func Report(ctx context.Context, w io.Writer, runs bucket.Bucket, names []string, log *slog.Logger) error {
	b := &board{Config: Config{Runs: runs, Log: log}, ledger: ledger.New(runs)}
	var views []*view
	for _, name := range names {
		run, err := history.Read(ctx, b.ledger, name)
		if err != nil {
			return err
		}
		var g gathered
		b.gather(ctx, run, &g)
		v := newView(run, g)
		v.sheetURL = inline
		views = append(views, v)
	}
	type row struct {
		Name  string
		Cells []template.HTML
	}
	var rows []row
	for _, name := range []string{"head", "quality", "asked", "maps", "learning", "stages", "rejects", "settings"} {
		r := row{Name: name}
		for _, v := range views {
			r.Cells = append(r.Cells, b.render(v, name)[0].HTML)
		}
		rows = append(rows, r)
	}
	err := templates.ExecuteTemplate(w, "report", map[string]any{
		"Title": reportTitle(views), "Rows": rows, "Together": together(views), "Compared": compareViews(views),
		"Style": template.CSS(style), "Script": template.JS(script),
	})
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// inline is the sheet of an exhibit as part of the page.
func inline(x *exhibit.Exhibit) template.URL {
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(x.Sheet.JPEG))
}

func reportTitle(views []*view) string {
	if len(views) == 1 {
		return views[0].Run.Run
	}
	return fmt.Sprintf("%d runs", len(views))
}

// WriteCSV writes the numbers of runs, one a line, with a head: run, step, what
// and value. Curves are as the trainer keeps them; see ledger.Curve.
func WriteCSV(w io.Writer, runs []*history.Run) error {
	out := csv.NewWriter(w)
	row := func(run string, step int, what string, value float64) {
		_ = out.Write([]string{run, strconv.Itoa(step), what, strconv.FormatFloat(value, 'g', -1, 64)}) // told by Error
	}
	_ = out.Write([]string{"run", "step", "what", "value"})
	for _, r := range runs {
		for _, m := range r.Curve.Points {
			row(r.Run, m.Step, "loss", m.Loss)
			row(r.Run, m.Step, "learning_rate", m.LearningRate)
			row(r.Run, m.Step, "images_per_second", m.ImagesPerSecond)
			row(r.Run, m.Step, "wait_share", m.WaitShare)
			for _, name := range slices.Sorted(maps.Keys(m.Values)) {
				row(r.Run, m.Step, "value "+name, m.Values[name])
			}
			if c := m.Collapse; c != nil {
				row(r.Run, m.Step, "embedding std", c.Std)
				row(r.Run, m.Step, "embedding rank", c.Rank)
			}
		}
		say := func(what string, report schemas.Report) {
			row(r.Run, report.Step, what, report.Value)
			for _, name := range slices.Sorted(maps.Keys(report.Values)) {
				row(r.Run, report.Step, what+" "+name, report.Values[name])
			}
			for i, v := range report.Repeats {
				row(r.Run, report.Step, fmt.Sprintf("%s repeat %d", what, i+1), v)
			}
			for _, c := range report.PerClass {
				row(r.Run, report.Step, what+" class "+c.Class, c.Value)
			}
			for _, s := range report.Stages {
				row(r.Run, report.Step, what+" stage "+s.Stage, s.Value)
			}
		}
		for _, report := range r.Reports {
			say("probe "+report.Probe, report)
		}
		for _, report := range r.Evaluations {
			what := "evaluation " + report.Probe
			if report.Dataset != "" {
				what += " on " + report.Dataset
			}
			if report.Labels > 0 {
				what += fmt.Sprintf(" labels %g", report.Labels)
			}
			say(what, report)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}
