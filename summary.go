package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

func accuracies(w io.Writer, s history.Summary) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "step\tloss\tlinear top-1\tk-NN top-1\tlinear vs untrained\tk-NN vs untrained\t")
	first := s.Probes[0]
	for i, p := range s.Probes {
		linear, knn := "", ""
		if i > 0 {
			linear, knn = difference(p.LinearTop1, first.LinearTop1), difference(p.KNNTop1, first.KNNTop1)
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t\n", p.Step, lossText(p), percent(p.LinearTop1), percent(p.KNNTop1), linear, knn)
	}
	tw.Flush()
}

// labelFree is the table of a dataset without labels.
func labelFree(w io.Writer, s history.Summary) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	names := sortedKeys(s.Probes[0].Others)
	fmt.Fprint(tw, "step\tloss\t")
	for _, name := range names {
		fmt.Fprintf(tw, "%s\t", name)
	}
	fmt.Fprintln(tw)
	for _, p := range s.Probes {
		fmt.Fprintf(tw, "%d\t%s\t", p.Step, lossText(p))
		for _, name := range names {
			fmt.Fprintf(tw, "%.4g\t", p.Others[name])
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}

func lossText(p history.Probed) string {
	if p.Step == 0 {
		return "untrained"
	}
	return fmt.Sprintf("%.3f", p.Loss)
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

// writeSummary writes s to a file, whole or not at all.
func writeSummary(file string, s history.Summary) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing summary: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".summary-*")
	if err != nil {
		return fmt.Errorf("writing summary: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing summary %s: %w", file, err)
	}
	return nil
}
