package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffyaml"
)

// options are the flags of one command, which may also come from variables and
// a YAML file.
type options struct {
	*flag.FlagSet
	does  string
	args  string   // what the words are, for the help text
	words []string // that are no flags

	more func(io.Writer) error // help beyond the flags; nil: none
}

func newOptions(name, args, does string) *options {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // an error is one line; help goes to stdout
	o := &options{FlagSet: fs, does: does, args: args}
	o.String("config", "", "YAML `file` with these settings")
	return o
}

// parse reads args, then SELFSTREAM_* variables, then the YAML file, the
// former before the latter. Words, of which it takes at most so many, may stand
// before, between and after the flags.
func (o *options) parse(e *env, args []string, most int) error {
	for {
		err := ff.Parse(o.FlagSet, args,
			ff.WithEnvVarPrefix("SELFSTREAM"), ff.WithConfigFileFlag("config"), ff.WithConfigFileParser(ffyaml.Parser))
		switch {
		case errors.Is(err, flag.ErrHelp):
			return errors.Join(err, o.help(e.stdout))
		case err != nil:
			return usageError{fmt.Errorf("%w; see: selfstream help %s", err, o.Name())}
		case o.NArg() == 0:
			return nil
		case len(o.words) == most:
			return usageError{fmt.Errorf("unexpected %q; see: selfstream help %s", o.Arg(0), o.Name())}
		}
		o.words = append(o.words, o.Arg(0))
		args = o.Args()[1:]
	}
}

// word is the i-th word, or "".
func (o *options) word(i int) string {
	if i < len(o.words) {
		return o.words[i]
	}
	return ""
}

func (o *options) help(w io.Writer) error {
	fmt.Fprintf(w, "selfstream %s %s\n\n%s\n\n", o.Name(), strings.TrimSpace("[flags] "+o.args), o.does)
	o.VisitAll(func(f *flag.Flag) {
		kind, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s %s\n", f.Name, kind)
		fmt.Fprintf(w, "        %s", usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
	if o.more == nil {
		return nil
	}
	return o.more(w)
}
