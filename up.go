package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"selfstream/evaluator/history"
	"selfstream/stages/ledger"
	"selfstream/trainer/drop"
)

// upSettings are the flags of selfstream up.
type upSettings struct {
	*dataFlags
	*engineFlags
	run       *runFlags
	drop      *dropFlags
	untilDone bool
	summary   string
	pages     *pageFlags
}

func runUp(ctx context.Context, e *env, args []string) error {
	o := newOptions("up", "", "Runs everything in this process: NATS, S3, augmenters, trainer and evaluator. It learns from\n"+
		"the photos in --data, or from a set that it draws itself, and keeps all in --state.")
	s := &upSettings{dataFlags: o.dataFlags(), engineFlags: o.engineFlags(4222, 7070)}
	s.run = o.runFlags()
	s.drop = o.dropFlags(true, s.run)
	o.BoolVar(&s.untilDone, "until-done", false, "stop when the run is trained and probed")
	o.StringVar(&s.summary, "summary", "", "`file` for a summary in JSON, written at the end")
	s.pages = o.pageFlags(8080)
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if err := errors.Join(s.dataFlags.resolve(), s.engineFlags.resolve(), absolute(&s.summary)); err != nil {
		return err
	}
	if s.untilDone {
		s.drop.on = false // it would not last for them
	}
	if err := s.drop.resolve(); err != nil {
		return err
	}
	return s.up(ctx, e)
}

// up starts the servers and the services, asks for the run, and shows it.
func (s *upSettings) up(ctx context.Context, e *env) (err error) {
	req, err := s.run.request(s.dataset)
	if err != nil {
		return err
	}
	x, err := s.start(ctx, e, s.pages.host)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	if err := s.fill(ctx, e, x); err != nil {
		return err
	}
	if req.Run, err = freshName(ctx, x.buckets, req, s.run.name != ""); err != nil {
		return err
	}
	if err := drop.Skip(ctx, x.datasets, x.runs, s.dataset, req.Run); err != nil {
		return err
	}
	health := func(context.Context) error { return x.flow.Health() } // the S3 is this process
	shut, err := s.pages.open(e, health, newBoard(ctx, e, x.flow, x.buckets), x.metrics()...)
	if err != nil {
		return err
	}
	defer shut()
	fmt.Fprintf(e.stdout, "NATS      %s\nS3        %s  access key %s, secret key in %s\nphotos    %s/\nbackend   %s\nrun       %s\n\n",
		x.servers.NATS.URL(), x.servers.S3.Config.Endpoint, x.servers.S3.Config.AccessKey, filepath.Join(s.state, "credentials.json"),
		filepath.Join(x.servers.S3.Dir, datasetsBucket, s.dataset), x.reason, req.Run)

	started := time.Now()
	if err := x.flow.Publish(ctx, &req); err != nil {
		return err
	}
	shown := newDisplay(e.stdout, req.Run)
	log := slog.New(slog.NewTextHandler(shown, &slog.HandlerOptions{Level: max(logLevel(), slog.LevelWarn)}))
	services, stop := context.WithCancel(ctx)
	defer stop()
	group, services := errgroup.WithContext(services)
	x.serve(services, group, log)
	defer s.drop.watch(services, drop.Config{
		Datasets: x.datasets, Runs: x.runs, Queue: drop.OnFlow{Flow: x.flow}, Name: engineName, Log: log,
	})()
	done := newCompletion(req.Run)
	group.Go(func() error { return follow(services, x.flow, started, shown, done) })
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
	return s.conclude(context.WithoutCancel(ctx), e, ledger.New(x.runs), req.Run)
}

// conclude writes the table and the summary. A run that failed is an error.
func (s *upSettings) conclude(ctx context.Context, e *env, l *ledger.Ledger, run string) error {
	sum, err := history.Summarize(ctx, l, run)
	switch {
	case errors.Is(err, history.ErrUnknown):
		fmt.Fprintf(e.stdout, "\n%s had not begun. The same command begins it.\n", run)
		return nil
	case err != nil:
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
