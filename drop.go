package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"selfstream/schemas"
	"selfstream/trainer/drop"
)

// dropFlags say which runs a dataset starts that appears in the bucket.
type dropFlags struct {
	on    bool
	quiet time.Duration
	run   *runFlags
	given []setFlag // of run
}

// dropFlags binds them beside those of a run, whose settings a dataset's runs
// have.
func (o *options) dropFlags(on bool, run *runFlags) *dropFlags {
	d := &dropFlags{run: run}
	o.BoolVar(&d.on, "drop", on, "start a run when a dataset appears in the bucket, or changes, with these settings or those in its "+drop.SettingsFile)
	o.DurationVar(&d.quiet, "quiet", drop.DefaultQuiet, "`time` in which nothing of a dataset has changed before that")
	return d
}

// resolve checks the flags when they are parsed, and before they are completed
// for another run.
func (d *dropFlags) resolve() error {
	if !d.on {
		return nil
	}
	if d.quiet < time.Second {
		return usageError{fmt.Errorf("quiet: have %s, want at least 1s", d.quiet)}
	}
	d.given = d.run.given()
	if _, err := d.requests("any", "", nil); err != nil {
		return usageError{err}
	}
	return nil
}

// watch looks after the bucket, if that is wanted, until ctx ends or stop is
// called, which waits.
func (d *dropFlags) watch(ctx context.Context, cfg drop.Config) (stop func()) {
	if !d.on {
		return func() {}
	}
	cfg.Quiet, cfg.Requests = d.quiet, d.requests
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { drop.Watch(ctx, cfg) })
	return func() { cancel(); watching.Wait() }
}

// requests are those for a dataset with that text in its file.
func (d *dropFlags) requests(dataset, version string, text []byte) ([]schemas.RunRequest, error) {
	settings, err := mergeSettings(d.given, text)
	if err != nil {
		return nil, err
	}
	return dropRequests(dataset, version, settings)
}

// dropRequests are the requests that settings make for a dataset, one for each
// method. Equal datasets and settings give runs of equal names.
func dropRequests(dataset, version string, settings []setFlag) ([]schemas.RunRequest, error) {
	methods := []string{defaultMethod}
	for _, s := range settings {
		if s.name == "method" {
			methods = strings.Split(s.value, ",")
		}
	}
	var all []schemas.RunRequest
	for _, m := range methods {
		o := newOptions("run", "", "")
		run := o.settingFlags()
		for _, s := range settings {
			if s.name == "method" {
				s.value = strings.TrimSpace(m)
			}
			if err := o.Set(s.name, s.value); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		r, err := run.requestFor(dataset, version)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other schemas.RunRequest) bool { return other.Run == r.Run }) {
			return nil, fmt.Errorf("method: have %s twice", m)
		}
		all = append(all, r)
	}
	return all, nil
}

// given are the flags of the run that somebody has set.
func (r *runFlags) given() (all []setFlag) {
	r.options.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "set":
			for _, key := range sortedKeys(r.config.Settings) {
				all = append(all, setFlag{"set", key + "=" + r.config.Settings[key]})
			}
		case isSetting(f.Name):
			all = append(all, setFlag{f.Name, f.Value.String()})
		}
	})
	return all
}

// isSetting tells whether there is such a flag of a run.
func isSetting(name string) bool {
	o := newOptions("run", "", "")
	o.settingFlags()
	return name != "config" && o.Lookup(name) != nil
}

// mergeSettings puts the settings of a dataset's file in place of those that are
// given. A method in the file discards the given settings of another method.
func mergeSettings(given []setFlag, text []byte) ([]setFlag, error) {
	own, err := parseSettings(text)
	if err != nil {
		return nil, err
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(own, func(s setFlag) bool { return slices.Contains(names, s.name) })
	}
	merged := slices.DeleteFunc(slices.Clone(given), func(s setFlag) bool {
		switch s.name {
		case "set":
			return has("set", "method")
		case "epochs", "steps":
			return has("epochs", "steps")
		}
		return has(s.name)
	})
	return append(merged, own...), nil
}

// parseSettings reads a dataset's file, whose keys are the flags of a run.
func parseSettings(text []byte) (all []setFlag, err error) {
	settings, err := drop.ParseSettings(text)
	if err != nil {
		return nil, err
	}
	for i, s := range settings {
		again := i > 0 && settings[i-1].Name == s.Name
		switch {
		case !isSetting(s.Name):
			return nil, fmt.Errorf("line %d: no setting %q; they are the flags of a run: selfstream help run", s.Line, s.Name)
		case again && s.Name == "method":
			all[len(all)-1].value += "," + s.Value
		case again && s.Name != "set":
			return nil, fmt.Errorf("line %d: %s: have several values, want one", s.Line, s.Name)
		default:
			all = append(all, setFlag{s.Name, s.Value})
		}
	}
	return all, nil
}
