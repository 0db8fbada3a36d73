package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"selfstream/evaluator/study"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/trainer/plan"
)

// studySettings are the flags of selfstream study.
type studySettings struct {
	*dataFlags
	*engineFlags
	run     *runFlags
	seeds   []uint64
	methods []string
	ratios  []float64
	unequal bool
	out     string
	json    bool
}

const studyHelp = "Trains and probes some runs in this process, like up, and writes a table of what came out, with verdicts\n" +
	"on what was claimed before. Runs that --state has already are not made again. The studies:\n"

func runStudy(ctx context.Context, e *env, args []string) error {
	o := newOptions("study", "NAME", studyHelp+studies())
	s := &studySettings{dataFlags: o.dataFlags(), engineFlags: o.engineFlags(0, 0), run: o.settingFlags()}
	seeds := o.String("seeds", "1,2,3", "`numbers`: each run is made with each of them")
	methods := o.String("methods", "supervised,simclr", "`names` of the methods of the study imbalance, the one that learns from labels first")
	ratios := o.String("ratios", "1,10,100", "`numbers`: how many times more images the first class has than the last, in the study imbalance")
	o.BoolVar(&s.unequal, "unequal", false, "in the study imbalance, let each ratio have as many images as it can, and not as many as the steepest")
	o.StringVar(&s.out, "out", "", "`file` for the tables and charts as an HTML page")
	o.BoolVar(&s.json, "json", false, "write the tables as JSON")
	if err := o.parse(e, args, 1); err != nil {
		return err
	}
	s.methods = strings.Split(*methods, ",")
	var err error
	if s.seeds, err = numbers(*seeds, func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }); err != nil {
		return usageError{fmt.Errorf("seeds: %w", err)}
	}
	if s.ratios, err = numbers(*ratios, decimal); err != nil {
		return usageError{fmt.Errorf("ratios: %w", err)}
	}
	if err := errors.Join(s.dataFlags.resolve(), s.engineFlags.resolve(), absolute(&s.out)); err != nil {
		return err
	}
	if err := s.check(o.word(0)); err != nil {
		return usageError{err}
	}
	return s.study(ctx, e, o.word(0))
}

func decimal(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// numbers reads a list of them.
func numbers[T any](list string, parse func(string) (T, error)) (all []T, err error) {
	for text := range strings.SplitSeq(list, ",") {
		x, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("have %q, want numbers with commas between them", list)
		}
		all = append(all, x)
	}
	return all, nil
}

// studies lists what can be studied, one a line.
func studies() string {
	text := ""
	for _, s := range append(study.Fixed(), study.Imbalance([]string{""}, []float64{1}, 0)) {
		text += fmt.Sprintf("  %-10s %s\n", s.Name, s.About)
	}
	return strings.TrimRight(text, "\n")
}

const imbalance = "imbalance"

// check refuses what no run could be made of, before anything is started.
func (s *studySettings) check(name string) error {
	for _, flag := range []string{"method", "set", "seed", "long-tail"} {
		if _, given := s.given()[flag]; given {
			return fmt.Errorf("--%s: a study decides that itself", flag)
		}
	}
	if name == imbalance {
		slices.Sort(s.ratios)
		if len(s.methods) < 2 || len(s.ratios) < 2 || s.ratios[0] < 1 {
			return fmt.Errorf("have --methods %v and --ratios %v, want two of each at least, and no ratio below 1", s.methods, s.ratios)
		}
	}
	st, err := s.find(name, 0)
	if err != nil {
		return err
	}
	_, err = s.trials(st)
	return err
}

// find is the study of that name, on that many images if it is about imbalance.
func (s *studySettings) find(name string, images int) (study.Study, error) {
	if name == imbalance {
		return study.Imbalance(s.methods, s.ratios, images), nil
	}
	names := []string{imbalance}
	for _, st := range study.Fixed() {
		if st.Name == name {
			return st, nil
		}
		names = append(names, st.Name)
	}
	return study.Study{}, fmt.Errorf("have study %q, want one of %s", name, strings.Join(names, ", "))
}

// given are the flags of a run that a person has set.
func (s *studySettings) given() map[string]string {
	known := newOptions("", "", "")
	known.settingFlags()
	given := map[string]string{}
	s.run.options.Visit(func(f *flag.Flag) {
		if known.Lookup(f.Name) != nil && f.Name != "config" {
			given[f.Name] = f.Value.String()
		}
	})
	return given
}

// trial is one run of a study.
type trial struct {
	arm  string
	seed int // its place among the seeds
	req  schemas.RunRequest
}

// trials are all runs of a study, one seed after the other.
func (s *studySettings) trials(st study.Study) (all []trial, err error) {
	for i, seed := range s.seeds {
		for _, arm := range st.Arms {
			t := trial{arm: arm.Name, seed: i}
			if t.req, err = s.request(st, arm, seed); err != nil {
				return nil, fmt.Errorf("%s: %w", arm.Name, err)
			}
			all = append(all, t)
		}
	}
	return all, nil
}

// request is the run that the flags of a person, then of an arm, then of the study
// mean.
func (s *studySettings) request(st study.Study, arm study.Arm, seed uint64) (schemas.RunRequest, error) {
	given := s.given()
	var words []string
	for name, value := range st.Flags {
		words = append(words, "--"+name+"="+value)
	}
	words = append(words, arm.Flags...)
	if given["epochs"] != "" || given["steps"] != "" { // one of both
		words = slices.DeleteFunc(words, func(word string) bool {
			return strings.HasPrefix(word, "--epochs=") || strings.HasPrefix(word, "--steps=")
		})
	}
	for name, value := range given {
		words = append(words, "--"+name+"="+value)
	}
	o := newOptions("study", "", "")
	run := o.settingFlags()
	if err := o.Parse(append(words, fmt.Sprintf("--seed=%d", seed))); err != nil {
		return schemas.RunRequest{}, usageError{err}
	}
	return run.request(s.dataset)
}

// study makes the runs that are missing, and writes what all of them say.
func (s *studySettings) study(ctx context.Context, e *env, name string) (err error) {
	x, err := s.start(ctx, e, "127.0.0.1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	aside := &env{stdout: e.stderr, stderr: e.stderr, log: e.log} // stdout is for the tables
	if err := s.fill(ctx, aside, x); err != nil {
		return err
	}
	images := 0
	if _, given := s.given()["images"]; name == imbalance && !s.unequal && !given {
		d, err := bucket.ReadDataset(ctx, x.datasets, x.runs, s.dataset, nil)
		if err != nil {
			return err
		}
		if images, err = plan.LongestTail(d, s.ratios[len(s.ratios)-1]); err != nil {
			return err
		}
	}
	st, err := s.find(name, images)
	if err != nil {
		return err
	}
	trials, err := s.trials(st)
	if err != nil {
		return err
	}
	services, stop := context.WithCancel(ctx)
	group, services := errgroup.WithContext(services)
	x.serve(services, group, slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: max(logLevel(), slog.LevelWarn)})))
	var results *study.Results
	group.Go(func() (err error) {
		defer stop()
		results, err = (&trying{env: e, engine: x, study: st, dataset: s.dataset, seeds: s.seeds}).all(services, trials)
		return err
	})
	if err := group.Wait(); err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return s.write(e, results)
}

// write writes the results in the form that is asked for.
func (s *studySettings) write(e *env, r *study.Results) error {
	if s.out != "" {
		file, err := os.Create(s.out)
		if err == nil {
			err = errors.Join(r.WritePage(file), file.Close())
		}
		if err != nil {
			return err
		}
	}
	if s.json {
		return writeJSON(e.stdout, map[string]study.Table{"results": r.Table(), "verdicts": r.VerdictTable()})
	}
	fmt.Fprintln(e.stdout)
	return r.WriteMarkdown(e.stdout)
}
