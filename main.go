// Command selfstream learns image features from the photos in an S3 bucket,
// without labels, as a dataflow on a message queue. "selfstream help" lists
// the flow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitFailed = 1 // something went wrong; stderr says what
	exitUsage  = 2 // a wrong command, flag or setting
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A command is a word after "selfstream".
type command struct {
	name, does string
	run        func(context.Context, *env, []string) error
}

// commands are in the order in which an image meets them.
func commands() []command {
	return []command{
		{"up", "everything below in one process, on a folder of photos", runUp},
		{"datasets", "photos → bucket: ls, put, get", runDatasets},
		{"preview", "photos → what the encoder will see, as a picture", runPreview},
		{"run", "ask a running system for a run", runRun},
		{"augmenter", "splits → samples", runAugmenter},
		{"trainer", "requests, samples → splits, snapshots", runTrainer},
		{"evaluator", "snapshots → reports", runEvaluator},
		{"runs", "what ran, how far, how good", runRuns},
		{"evaluate", "probes of a run's last snapshot that cost more, or look at other images", runEvaluate},
		{"report", "the figures of some runs in one HTML file, or for machines", runReport},
		{"verify", "makes a run's batches again and compares", runVerify},
		{"study", "many runs → a table, and verdicts on what was claimed", runStudy},
		{"compare", "the same steps on two backends: do they agree, how fast are they", runCompare},
		{"accounts", "an account of the S3 for each service", runAccounts},
		{"health", "is the service on this machine well?", runHealth},
		{"version", "of this program", runVersion},
	}
}

// env is what every command shares.
type env struct {
	stdout, stderr io.Writer
	log            *slog.Logger
}

// usageError is an error that a look at the help can mend.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program without its process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := &env{stdout: stdout, stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: logLevel()}))}
	err := dispatch(ctx, e, args)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "selfstream:", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "selfstream:", err)
	return exitFailed
}

func dispatch(ctx context.Context, e *env, args []string) error {
	if len(args) == 0 {
		help(e.stderr)
		return usageError{errors.New("which command?")}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		if len(args) == 1 {
			help(e.stdout)
			return nil
		}
		args = []string{args[1], "--help"}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			if err := c.run(ctx, e, args[1:]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			return nil
		}
	}
	return usageError{fmt.Errorf("no command %q; see: selfstream help", args[0])}
}

func help(w io.Writer) {
	fmt.Fprint(w, `selfstream learns image features from a bucket of photos, without labels.

    trainer plans ──splits──▶ augmenter ×N ──samples──▶ trainer steps ──snapshots──▶ evaluator ──▶ reports

usage: selfstream COMMAND [flags]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, `
selfstream help COMMAND lists a command's flags. Each flag is also a variable,
such as SELFSTREAM_NATS_PORT for --nats-port, and a line of the YAML file that
--config names.

Exit codes: 0 done, 1 failed, 2 wrong command, flag or setting.
`)
}

// logLevel is set by SELFSTREAM_LOG: debug, info, warn or error.
func logLevel() slog.Level {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(os.Getenv("SELFSTREAM_LOG"))) // anything else is info
	return level
}

func runVersion(_ context.Context, e *env, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected %q", args[0])}
	}
	fmt.Fprintln(e.stdout, "selfstream", version())
	return nil
}

// stamped is the version that a build sets with -ldflags "-X main.stamped=…".
var stamped string

// version is the stamped one, or what Go knows of the build.
func version() string {
	if stamped != "" {
		return stamped
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return strings.TrimPrefix(info.Main.Version, "(devel)") + "+" + s.Value[:min(12, len(s.Value))]
			}
		}
		return info.Main.Version
	}
	return "(devel)"
}
