package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"selfstream/evaluator/board"
	"selfstream/evaluator/history"
	"selfstream/stages/ledger"
)

func runReport(ctx context.Context, e *env, args []string) error {
	o := newOptions("report", "RUN [RUN…]", "Writes what the board shows of some runs, side by side, as one HTML file that needs nothing else.")
	at := o.placeFlags()
	out := o.String("out", "", "`file` to write (default report.html; with --json and --csv, standard output)")
	asJSON := o.Bool("json", false, "write all that is known of the runs as JSON")
	asCSV := o.Bool("csv", false, "write their numbers as CSV: run, step, what, value")
	const most = 16
	if err := o.parse(e, args, most); err != nil {
		return err
	}
	switch {
	case len(o.words) == 0:
		return usageError{errors.New("which runs? see: selfstream runs")}
	case *asJSON && *asCSV:
		return usageError{errors.New("choose one of --json and --csv")}
	}
	file := *out
	if file == "" && !*asJSON && !*asCSV {
		file = "report.html"
	}
	if file != "" { // the embedded S3 changes the working directory
		abs, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		file = abs
	}
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	var text bytes.Buffer
	if *asJSON || *asCSV {
		err = writeRuns(ctx, &text, ledger.New(b.runs), o.words, *asCSV)
	} else {
		err = board.Report(ctx, &text, b.runs, o.words, e.log)
	}
	if err != nil {
		return err
	}
	if file == "" {
		_, err = e.stdout.Write(text.Bytes())
		return err
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(e.stdout, "wrote %s: %d runs, %.1f MB\n", file, len(o.words), float64(text.Len())/1e6)
	return nil
}

// writeRuns writes runs for machines.
func writeRuns(ctx context.Context, w *bytes.Buffer, l *ledger.Ledger, names []string, asCSV bool) error {
	var runs []*history.Run
	for _, name := range names {
		r, err := history.Read(ctx, l, name)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	if asCSV {
		return board.WriteCSV(w, runs)
	}
	return writeJSON(w, runs)
}
