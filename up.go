package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"selfstream/augmenter"
	"selfstream/evaluator"
	"selfstream/evaluator/history"
	"selfstream/stages/flow"
	"selfstream/stages/ledger"
	"selfstream/stages/local"
	"selfstream/trainer"
	"selfstream/trainer/drop"
	"selfstream/trainer/snapshot"
)

// upName is under which selfstream up holds its runs. One process at a time can
// use a state folder.
const upName = "up"

// upSettings are the flags of selfstream up.
type upSettings struct {
	data, dataset string
	run           *runFlags
	drop          *dropFlags
	augmenters    int
	backend       *backendFlags
	credit        *int64
	keep          *snapshot.Keep
	untilDone     bool
	summary       string
	pages         *pageFlags
	state         string
	nats, s3      int
}

func runUp(ctx context.Context, e *env, args []string) error {
	o := newOptions("up", "", "Runs everything in this process: NATS, S3, augmenters, trainer and evaluator. It learns from\n"+
		"the photos in --data, or from a set that it draws itself, and keeps all in --state.")
	s := &upSettings{backend: o.backendFlags(), credit: o.creditFlag(), keep: o.keepFlags()}
	o.StringVar(&s.data, "data", "", "`folder` of photos to learn from")
	o.StringVar(&s.dataset, "dataset", "", "`name` of a dataset in the bucket, or for the photos in --data (default: as their folder)")
	s.run = o.runFlags()
	s.drop = o.dropFlags(true, s.run)
	o.IntVar(&s.augmenters, "augmenters", runtime.NumCPU(), "augmenters in this process; 0: they join from outside")
	o.BoolVar(&s.untilDone, "until-done", false, "stop when the run is trained and probed")
	o.StringVar(&s.summary, "summary", "", "`file` for a summary in JSON, written at the end")
	o.StringVar(&s.state, "state", defaultState, "`folder` that keeps everything")
	s.pages = o.pageFlags(8080)
	o.IntVar(&s.nats, "nats-port", 4222, "`port` of NATS; 0: any free one")
	o.IntVar(&s.s3, "s3-port", 7070, "`port` of the S3; 0: any free one")
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if err := s.resolve(); err != nil {
		return err
	}
	if err := s.drop.resolve(); err != nil {
		return err
	}
	return s.up(ctx, e)
}

// resolve checks the settings and makes paths absolute: the embedded S3
// changes the working directory.
func (s *upSettings) resolve() error {
	if s.augmenters < 0 {
		return usageError{fmt.Errorf("augmenters: have %d, want at least 0", s.augmenters)}
	}
	for _, p := range []*string{&s.data, &s.summary, &s.state} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	if s.data != "" {
		info, err := os.Stat(s.data)
		if err != nil {
			return fmt.Errorf("looking for photos: %w", err)
		}
		if !info.IsDir() {
			return fmt.Errorf("looking for photos: %s is not a folder", s.data)
		}
		if s.dataset == "" {
			s.dataset = datasetName(s.data)
		}
	}
	if s.dataset == "" {
		s.dataset = demoDataset
	}
	if s.untilDone {
		s.drop.on = false // it would not last for them
	}
	return nil
}

// datasetName is the name of a folder as that of a dataset.
func datasetName(dir string) string {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(filepath.Base(dir)), "-"), "-")
	if name == "" {
		return "photos"
	}
	return name
}

// up starts the servers and the services, asks for the run, and shows it.
func (s *upSettings) up(ctx context.Context, e *env) (err error) {
	req, err := s.run.request(s.dataset)
	if err != nil {
		return err
	}
	b, reason, err := s.backend.open()
	if err != nil {
		return err
	}
	servers, err := local.Start(ctx, local.Options{
		Dir: s.state, Host: s.pages.host, NATSPort: s.nats, MonitorPort: local.MonitorOff, S3Port: s.s3, Log: e.log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close()) }()
	s3, err := openBuckets(ctx, servers.S3.Config)
	if err != nil {
		return err
	}
	defer s3.close()
	if err := s.fillDataset(ctx, e, servers, s3.datasets); err != nil {
		return err
	}
	f, err := flow.Connect(ctx, flow.Config{Options: []nats.Option{servers.NATS.InProcess()}, Name: upName, Log: e.log})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Ensure(ctx); err != nil {
		return err
	}

	if req.Run, err = freshName(ctx, s3, req, s.run.name != ""); err != nil {
		return err
	}
	if err := drop.Skip(ctx, s3.datasets, s3.runs, s.dataset, req.Run); err != nil {
		return err
	}
	augmenters, training, probing := map[string]*augmenter.Stats{}, new(trainer.Stats), new(evaluator.Stats)
	for i := range s.augmenters {
		augmenters[fmt.Sprintf("up-%d", i)] = new(augmenter.Stats)
	}
	health := func(context.Context) error { return f.Health() } // the S3 is this process
	shut, err := s.pages.open(e, health, newBoard(ctx, e, f, s3), augmenter.Metrics(augmenters), training.Metrics(), probing.Metrics(), f.Metrics())
	if err != nil {
		return err
	}
	defer shut()
	fmt.Fprintf(e.stdout, "NATS      %s\nS3        %s  access key %s, secret key in %s\nphotos    %s/\nbackend   %s\nrun       %s\n\n",
		servers.NATS.URL(), servers.S3.Config.Endpoint, servers.S3.Config.AccessKey, filepath.Join(s.state, "credentials.json"),
		filepath.Join(servers.S3.Dir, datasetsBucket, s.dataset), reason, req.Run)

	started := time.Now()
	if err := f.Publish(ctx, &req); err != nil {
		return err
	}
	shown := newDisplay(e.stdout, req.Run)
	log := slog.New(slog.NewTextHandler(shown, &slog.HandlerOptions{Level: max(logLevel(), slog.LevelWarn)}))
	services, stop := context.WithCancel(ctx)
	defer stop()
	group, services := errgroup.WithContext(services)
	for name, stats := range augmenters {
		group.Go(func() error {
			return augmenter.Run(services, augmenter.Config{
				Flow: f, Datasets: s3.datasets, Workers: 1, Name: name, Stats: stats, Log: log,
			})
		})
	}
	group.Go(func() error {
		return trainer.Run(services, trainer.Config{
			Flow: f, Datasets: s3.datasets, Runs: s3.runs, Name: upName, Backend: b, BackendName: reason, Credit: *s.credit << 20,
			Keep: *s.keep, Fingerprint: augmenter.Fingerprint(), Version: version(), Stats: training, Log: log,
		})
	})
	group.Go(func() error {
		return evaluator.Run(services, evaluator.Config{Flow: f, Datasets: s3.datasets, Runs: s3.runs, Backend: b, Stats: probing, Log: log})
	})
	defer s.drop.watch(services, drop.Config{
		Datasets: s3.datasets, Runs: s3.runs, Queue: drop.OnFlow{Flow: f}, Name: upName, Log: log,
	})()
	done := newCompletion(req.Run)
	group.Go(func() error { return follow(services, f, started, shown, done) })
	group.Go(func() error {
		if done.wait(services) && s.untilDone {
			stop()
		}
		return nil
	})
	err = group.Wait()
	shown.d.close()
	if err != nil && ctx.Err() == nil {
		return err
	}
	return s.conclude(context.WithoutCancel(ctx), e, ledger.New(s3.runs), req.Run)
}

// conclude writes the table and the summary. A run that failed is an error.
func (s *upSettings) conclude(ctx context.Context, e *env, l *ledger.Ledger, run string) error {
	sum, err := history.Summarize(ctx, l, run)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "\n%s: %s at step %d of %d, epoch %.1f, %d samples in %s\n\n", run, sum.State, sum.Steps, sum.StepsPlanned, sum.Epochs, sum.SamplesTrained, seconds(sum.Seconds))
	table(e.stdout, sum)
	if n := len(sum.Rejects); n > 0 {
		fmt.Fprintf(e.stdout, "\n%d broken images were left out; see them with: selfstream runs %s\n", n, run)
	}
	if s.summary != "" {
		if err := writeSummary(s.summary, sum); err != nil {
			return err
		}
	}
	switch sum.State {
	case ledger.Failed:
		return errors.New(sum.Error)
	case ledger.Finished:
		return nil
	}
	fmt.Fprintln(e.stdout, "\nThe same command continues the run.")
	return nil
}
