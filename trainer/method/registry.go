package method

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// methods bind their settings, with defaults and help, to a flag.FlagSet.
var methods = map[string]func(*flag.FlagSet) Method{
	"barlow":     newBarlow,
	"byol":       newBYOL,
	"context":    newContext,
	"jigsaw":     newJigsaw,
	"kcl":        newKCL,
	"simclr":     newSimCLR,
	"supcon":     newSupCon,
	"supervised": newSupervised,
}

// Names lists the methods there are.
func Names() []string { return slices.Sorted(maps.Keys(methods)) }

// Flags are the settings of a method, with their defaults and help.
func Flags(name string) (*flag.FlagSet, error) {
	_, settings, err := bind(name)
	return settings, err
}

// New returns the method of that name. Settings that are absent have their
// defaults.
func New(name string, settings map[string]string) (Method, error) {
	m, _, err := configure(name, settings)
	return m, err
}

// Complete adds the defaults of absent settings, and gives all of them one
// spelling: settings that mean the same become equal.
func Complete(name string, settings map[string]string) (map[string]string, error) {
	_, known, err := configure(name, settings)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	known.VisitAll(func(f *flag.Flag) { all[f.Name] = f.Value.String() })
	return all, nil
}

func configure(name string, settings map[string]string) (Method, *flag.FlagSet, error) {
	m, known, err := bind(name)
	if err != nil {
		return nil, nil, err
	}
	keys := slices.Sorted(maps.Keys(settings))
	if i := slices.Index(keys, RecipeSetting); i > 0 { // it decides what the others start from
		keys = slices.Insert(slices.Delete(keys, i, i+1), 0, RecipeSetting)
	}
	for _, key := range keys {
		if known.Lookup(key) == nil {
			return nil, nil, fmt.Errorf("unknown setting %q of method %s: have %s", key, name, list(known))
		}
		if err := known.Set(key, settings[key]); err != nil {
			return nil, nil, fmt.Errorf("setting %s of method %s to %q: %w", key, name, settings[key], err)
		}
	}
	if err := m.Validate(); err != nil {
		return nil, nil, fmt.Errorf("configuring method %s: %w", name, err)
	}
	return m, known, nil
}

func bind(name string) (Method, *flag.FlagSet, error) {
	bind, ok := methods[name]
	if !ok {
		return nil, nil, fmt.Errorf("choosing a method: have %q, want one of %s", name, strings.Join(Names(), ", "))
	}
	settings := flag.NewFlagSet(name, flag.ContinueOnError)
	return bind(settings), settings, nil
}

func list(settings *flag.FlagSet) string {
	var names []string
	settings.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return strings.Join(names, ", ")
}
