package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffyaml"

	"selfstream/stages/bucket"
	"selfstream/stages/flow"
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

// addresses say where a running system is.
type addresses struct {
	nats string
	s3   bucket.Config
}

// addressFlags binds the addresses of a running system.
func (o *options) addressFlags() *addresses {
	a := &addresses{}
	o.StringVar(&a.nats, "nats", "nats://127.0.0.1:4222", "`URL` of NATS")
	o.StringVar(&a.s3.Endpoint, "s3", "http://127.0.0.1:7070", "`URL` of the S3")
	o.s3Flags(a)
	return a
}

// s3Flags binds what an S3 wants to know besides its address.
func (o *options) s3Flags(a *addresses) {
	o.StringVar(&a.s3.AccessKey, "s3-access-key", "", "access `key` of the S3")
	o.StringVar(&a.s3.SecretKey, "s3-secret-key", "", "secret `key` of the S3; better as SELFSTREAM_S3_SECRET_KEY")
	o.StringVar(&a.s3.Region, "s3-region", "us-east-1", "`region` of the S3")
}

// open connects to a running system under a name.
func (a *addresses) open(ctx context.Context, e *env, name string) (*flow.Flow, buckets, error) {
	b, err := openBuckets(ctx, a.s3)
	if err != nil {
		return nil, b, err
	}
	f, err := connect(ctx, flow.Config{URL: a.nats, Name: name, Log: e.log})
	if err != nil {
		b.close()
	}
	return f, b, err
}

// connect returns a connection to NATS, with all streams in place.
func connect(ctx context.Context, cfg flow.Config) (*flow.Flow, error) {
	f, err := flow.Connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := f.Ensure(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Names of the buckets.
const (
	datasetsBucket = "datasets"
	runsBucket     = "runs"
)

// buckets are where everything lies.
type buckets struct{ datasets, runs *bucket.S3 }

func openBuckets(ctx context.Context, cfg bucket.Config) (b buckets, err error) {
	if b.datasets, err = bucket.Open(ctx, cfg, datasetsBucket); err != nil {
		return b, err
	}
	if b.runs, err = bucket.Open(ctx, cfg, runsBucket); err != nil {
		b.datasets.Close()
	}
	return b, err
}

// close lets go of idle connections, which an embedded S3 would wait for.
func (b buckets) close() {
	b.datasets.Close()
	b.runs.Close()
}
