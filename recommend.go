package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"selfstream/trainer/method"
)

// recommended are the flags that a method has a value for.
func recommended(t method.Training) []setFlag {
	return []setFlag{
		{"encoder", t.Encoder},
		{"image-size", strconv.Itoa(t.ImageSize)},
		{"epochs", strconv.Itoa(t.Epochs)},
		{"optimizer", t.Optimizer},
		{"learning-rate", fmt.Sprint(t.LearningRate)},
		{"base-batch", strconv.Itoa(t.BaseBatch)},
		{"weight-decay", fmt.Sprint(t.WeightDecay)},
		{"warmup", fmt.Sprint(t.Warmup)},
	}
}

type setFlag struct{ name, value string }

// complete gives the flags that nobody has set the values that the method
// recommends. All of them are kept with the run, so that a later version of
// this program with other recommendations continues it as it began.
func (r *runFlags) complete() (method.Method, error) {
	c := &r.config
	m, err := method.New(c.Method, c.Settings)
	if err != nil {
		return nil, usageError{err}
	}
	if c.Settings, err = method.Complete(c.Method, c.Settings); err != nil {
		return nil, usageError{err}
	}
	given := map[string]bool{"epochs": c.Steps != 0}
	r.options.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if best := m.Training(); given["optimizer"] && c.Optimizer != best.Optimizer && !given["learning-rate"] {
		return nil, usageError{fmt.Errorf("name a --learning-rate for %s: the method's, %g, is for %s", c.Optimizer, best.LearningRate, best.Optimizer)}
	}
	for _, f := range recommended(m.Training()) {
		if given[f.name] {
			continue
		}
		if err := r.options.Set(f.name, f.value); err != nil {
			return nil, fmt.Errorf("setting --%s as %s recommends: %w", f.name, c.Method, err)
		}
	}
	return m, nil
}

// methodHelp lists what the methods recommend, and their settings.
func methodHelp(w io.Writer) error {
	fmt.Fprint(w, "\nWhat the methods recommend, taken for flags that are not given:\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "  method\tbatch")
	for _, f := range recommended(method.Training{}) {
		fmt.Fprint(tw, "\t", f.name)
	}
	fmt.Fprintln(tw)
	for _, name := range method.Names() {
		for _, recipe := range method.Recipes() {
			m, err := method.New(name, map[string]string{method.RecipeSetting: recipe})
			if err != nil {
				return err
			}
			t := m.Training()
			fmt.Fprintf(tw, "  %s, recipe=%s\t%d", name, recipe, t.Batch)
			for _, f := range recommended(t) {
				fmt.Fprint(tw, "\t", f.value)
			}
			fmt.Fprintln(tw)
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, name := range method.Names() {
		settings, err := method.Flags(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\nSettings of %s, for --set:\n\n", name)
		settings.VisitAll(func(f *flag.Flag) { fmt.Fprintf(w, "  %s=%s\n        %s\n", f.Name, f.DefValue, f.Usage) })
	}
	return nil
}
