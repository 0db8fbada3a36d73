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
	"barlow": newBarlow,
	"byol":   newBYOL,
	"simclr": newSimCLR,
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
	m, known, err := bind(name)
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if known.Lookup(key) == nil {
			return nil, fmt.Errorf("unknown setting %q of method %s: have %s", key, name, list(known))
		}
		if err := known.Set(key, settings[key]); err != nil {
			return nil, fmt.Errorf("setting %s of method %s to %q: %w", key, name, settings[key], err)
		}
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("configuring method %s: %w", name, err)
	}
	return m, nil
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
