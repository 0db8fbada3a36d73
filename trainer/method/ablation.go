package method

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// ablation is a part of a method that is left out, to see what it is for: the
// setting "without". It is "nothing" for the method as it is.
type ablation struct {
	part  string
	parts []string // that can be left out
}

// bind adds the setting for a method of these parts.
func (a *ablation) bind(settings *flag.FlagSet, parts ...string) {
	a.parts = parts
	settings.Var(a, "without", "ablation: a part to leave out, to see what it is for: "+strings.Join(parts, " or "))
}

// lacks tells whether that part is left out.
func (a *ablation) lacks(part string) bool { return a.part == part }

// whole is the setting of a method that lacks nothing.
const whole = "nothing"

// String implements flag.Value.
func (a *ablation) String() string {
	if a.part == "" {
		return whole
	}
	return a.part
}

// Set implements flag.Value.
func (a *ablation) Set(part string) error {
	switch {
	case part == whole:
		a.part = ""
	case slices.Contains(a.parts, part):
		a.part = part
	default:
		return fmt.Errorf("want %s or %s", whole, strings.Join(a.parts, " or "))
	}
	return nil
}
