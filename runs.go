package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/stages/local"
)

func runRuns(ctx context.Context, e *env, args []string) error {
	o := newOptions("runs", "[NAME]", "Lists the runs, or tells all about one: settings, probes, rejected images, digests.")
	at := o.placeFlags()
	asJSON := o.Bool("json", false, "write JSON")
	if err := o.parse(e, args, 1); err != nil {
		return err
	}
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	l := ledger.New(b.runs)
	names := o.words
	if len(names) == 0 {
		if names, err = l.Runs(ctx); err != nil {
			return err
		}
	}
	runs := []history.Summary{}
	for _, name := range names {
		s, err := history.Summarize(ctx, l, name)
		if err != nil {
			return err
		}
		runs = append(runs, s)
	}
	switch {
	case *asJSON && len(o.words) == 1:
		return writeJSON(e.stdout, runs[0])
	case *asJSON:
		return writeJSON(e.stdout, runs)
	case len(o.words) == 1:
		describe(e.stdout, runs[0])
	case len(runs) == 0:
		fmt.Fprintln(e.stdout, "no runs yet; start one with: selfstream up")
	default:
		list(e.stdout, runs)
	}
	return nil
}

// list writes one line a run.
func list(w io.Writer, runs []history.Summary) {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "run\tstate\tstep\tepoch\tlinear top-1\tk-NN top-1\tlinear vs untrained\tbest stage\tbest vs best")
	for _, s := range runs {
		linear, knn, gain, best, bestGain := "–", "–", "–", "–", "–"
		if n := len(s.Probes); n > 0 {
			first, last := s.Probes[0], s.Probes[n-1]
			linear, knn = percent(last.LinearTop1), percent(last.KNNTop1)
			if last.LinearBestTop1 != nil {
				best = last.LinearBestStage + " " + percent(last.LinearBestTop1)
			}
			if n > 1 {
				gain, bestGain = difference(last.LinearTop1, first.LinearTop1), difference(last.LinearBestTop1, first.LinearBestTop1)
			}
		}
		fmt.Fprintf(tw, "%s\t%s\t%d/%d\t%.1f\t%s\t%s\t%s\t%s\t%s\n", s.Run, s.State, s.Steps, s.StepsPlanned, s.Epochs, linear, knn, gain, best, bestGain)
	}
	tw.Flush()
}

// describe writes all about one run.
func describe(w io.Writer, s history.Summary) {
	c := s.Config
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"run", s.Run},
		{"state", s.State},
		{"error", s.Error},
		{"dataset", fmt.Sprintf("%s, %d images", s.Dataset, s.Images)},
		{"method", fmt.Sprintf("%s %s", c.Method, settingsText(c.Settings))},
		{"encoder", fmt.Sprintf("%s at %d px", c.Encoder, c.ImageSize)},
		{"subset", subsetText(c)},
		{"training", trainingText(c)},
		{"progress", fmt.Sprintf("step %d of %d, epoch %.1f, %d samples in %s", s.Steps, s.StepsPlanned, s.Epochs, s.SamplesTrained, seconds(s.Seconds))},
		{"backend", s.Backend},
		{"augmenters", s.Fingerprint},
		{"batches", s.BatchesSHA256},
		{"weights", s.WeightsSHA256},
	} {
		if row[1] != "" {
			fmt.Fprintf(tw, "%s\t%s\n", row[0], row[1])
		}
	}
	tw.Flush()
	fmt.Fprintln(w)
	table(w, s)
	stages(w, s)
	balance(w, s)
	if len(s.Rejects) > 0 {
		fmt.Fprintf(w, "\n%d images could not be used:\n", len(s.Rejects))
		for _, r := range s.Rejects {
			fmt.Fprintf(w, "  %s: %s\n", r.Key, r.Reason)
		}
	}
}

// subsetText is empty for a run on all images of its dataset.
func subsetText(c schemas.Config) string {
	var parts []string
	if c.Images > 0 {
		parts = append(parts, fmt.Sprintf("%d images", c.Images))
	}
	if c.LongTail > 0 {
		parts = append(parts, fmt.Sprintf("a long tail: the first class has %g times the images of the last", c.LongTail))
	}
	return strings.Join(parts, " in ")
}

func trainingText(c schemas.Config) string {
	text := fmt.Sprintf("batch %d, %s, learning rate %g", c.Batch, c.Optimizer, c.LearningRate)
	if c.BaseBatch > 0 {
		text += fmt.Sprintf(" for %d images", c.BaseBatch)
	}
	text += fmt.Sprintf(", weight decay %g, warm-up %g, seed %d", c.WeightDecay, c.Warmup, c.Seed)
	if c.ClipNorm > 0 {
		text += fmt.Sprintf(", gradients up to %g", c.ClipNorm)
	}
	if c.Precision != "" {
		text += ", in " + c.Precision
	}
	if c.Accumulate > 1 {
		text += fmt.Sprintf(", in %d parts", c.Accumulate)
	}
	return text
}

func settingsText(s map[string]string) string {
	text := ""
	for _, key := range sortedKeys(s) {
		text += key + "=" + s[key] + " "
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// place is where buckets are: in a local state folder, or on a running S3.
type place struct {
	state string
	*addresses
}

func (o *options) placeFlags() *place {
	p := &place{addresses: &addresses{}}
	o.StringVar(&p.state, "state", defaultState, "state `folder` of selfstream up")
	o.StringVar(&p.s3.Endpoint, "s3", "", "`URL` of a running S3, instead of --state")
	o.s3Flags(&p.s3)
	return p
}

// open returns the buckets, and a function that lets go of them.
func (p *place) open(ctx context.Context, e *env) (buckets, func(), error) {
	if p.s3.Endpoint != "" {
		b, err := openBuckets(ctx, p.s3)
		return b, b.close, err
	}
	dir, err := filepath.Abs(p.state)
	if err != nil {
		return buckets{}, nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return buckets{}, nil, fmt.Errorf("opening state folder: %w; name another with --state, or a running S3 with --s3", err)
	}
	// An S3 of its own beside the one of a running selfstream up: both only
	// look at the same files.
	s3, err := local.StartS3(ctx, local.Options{Dir: dir, Log: e.log})
	if err != nil {
		return buckets{}, nil, err
	}
	stop := func() {
		if err := s3.Close(); err != nil {
			e.log.Warn("closing the S3", "err", err)
		}
	}
	b, err := openBuckets(ctx, s3.Config)
	if err != nil {
		stop()
		return b, nil, err
	}
	return b, func() { b.close(); stop() }, nil
}

// defaultState is where selfstream up keeps everything.
const defaultState = "selfstream-data"
