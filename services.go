package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/gomlx/compute"
	"github.com/prometheus/client_golang/prometheus"

	"selfstream/augmenter"
	"selfstream/evaluator"
	"selfstream/evaluator/board"
	"selfstream/stages/backend"
	"selfstream/stages/flow"
	"selfstream/stages/watch"
	"selfstream/trainer"
	"selfstream/trainer/snapshot"
)

func runAugmenter(ctx context.Context, e *env, args []string) error {
	o := newOptions("augmenter", "", "Turns splits into samples until it is stopped. Start as many as you like, anywhere.")
	at := o.addressFlags()
	workers := o.Int("workers", runtime.NumCPU(), "splits at work at once")
	name := o.String("name", hostname(), "`name` under which its samples are known")
	pages := o.pageFlags(watch.Off)
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	f, s3, err := at.open(ctx, e, "augmenter "+*name)
	if err != nil {
		return err
	}
	defer f.Close()
	defer s3.close()
	stats := new(augmenter.Stats)
	shut, err := pages.open(e, f, nil, augmenter.Metrics(map[string]*augmenter.Stats{*name: stats}))
	if err != nil {
		return err
	}
	defer shut()
	return augmenter.Run(ctx, augmenter.Config{Flow: f, Datasets: s3.datasets, Workers: *workers, Name: *name, Stats: stats, Log: e.log})
}

func runTrainer(ctx context.Context, e *env, args []string) error {
	o := newOptions("trainer", "", "Works on the runs that are asked for, one at a time, until it is stopped.")
	at := o.addressFlags()
	chosen := o.backendFlags()
	credit := o.creditFlag()
	keep := o.keepFlags()
	pages := o.pageFlags(watch.Off)
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	b, reason, err := chosen.open()
	if err != nil {
		return usageError{err}
	}
	e.log.Info("choosing a backend", "backend", reason)
	f, s3, err := at.open(ctx, e, "trainer "+hostname())
	if err != nil {
		return err
	}
	defer f.Close()
	defer s3.close()
	stats := new(trainer.Stats)
	shut, err := pages.open(e, f, nil, stats.Metrics())
	if err != nil {
		return err
	}
	defer shut()
	return trainer.Run(ctx, trainer.Config{
		Flow: f, Datasets: s3.datasets, Runs: s3.runs, Backend: b, BackendName: reason, Credit: *credit << 20,
		Keep: *keep, Fingerprint: augmenter.Fingerprint(), Version: version(), Stats: stats, Log: e.log,
	})
}

func runEvaluator(ctx context.Context, e *env, args []string) error {
	o := newOptions("evaluator", "", "Probes every snapshot until it is stopped. With --http-port, it shows all runs on a page, too.")
	at := o.addressFlags()
	chosen := o.backendFlags()
	pages := o.pageFlags(watch.Off)
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	b, reason, err := chosen.open()
	if err != nil {
		return usageError{err}
	}
	e.log.Info("choosing a backend", "backend", reason)
	f, s3, err := at.open(ctx, e, "evaluator "+hostname())
	if err != nil {
		return err
	}
	defer f.Close()
	defer s3.close()
	stats := new(evaluator.Stats)
	shut, err := pages.open(e, f, newBoard(ctx, e, f, s3), stats.Metrics())
	if err != nil {
		return err
	}
	defer shut()
	return evaluator.Run(ctx, evaluator.Config{Flow: f, Datasets: s3.datasets, Runs: s3.runs, Backend: b, Stats: stats, Log: e.log})
}

// newBoard is the page about all runs.
func newBoard(ctx context.Context, e *env, f *flow.Flow, b buckets) http.Handler {
	return board.New(ctx, board.Config{Flow: f, Runs: b.runs, Log: e.log})
}

// backendFlags say what runs the graphs.
type backendFlags struct {
	name          string
	deterministic bool
}

func (o *options) backendFlags() *backendFlags {
	b := &backendFlags{}
	o.StringVar(&b.name, "backend", "auto", "`name` of what runs the graphs: "+strings.Join(backend.Names(), ", "))
	o.BoolVar(&b.deterministic, "deterministic", false, "have XLA on a GPU compute the same bits on every run, more slowly; the other backends do anyway")
	return b
}

func (b *backendFlags) open() (compute.Backend, string, error) {
	if b.deterministic {
		if err := backend.Deterministic(); err != nil {
			return nil, "", err
		}
	}
	return backend.Open(b.name)
}

// pageFlags say where /metrics and /healthz are.
type pageFlags struct {
	host string
	port int
}

func (o *options) pageFlags(port int) *pageFlags {
	p := &pageFlags{}
	o.StringVar(&p.host, "host", "127.0.0.1", "`address` to listen on")
	o.IntVar(&p.port, "http-port", port, "`port` of /metrics and /healthz; 0: any free one, -1: none")
	return p
}

// open shows the pages of a service that is as well as its connection, home
// among them unless it is nil, and returns a function that ends that.
func (p *pageFlags) open(e *env, f *flow.Flow, home http.Handler, metrics ...prometheus.Collector) (shut func(), err error) {
	if p.port == watch.Off {
		return func() {}, nil
	}
	s, err := watch.Start(watch.Options{Host: p.host, Port: p.port, Health: f.Health, Home: home, Metrics: append(metrics, f.Metrics()), Log: e.log})
	if err != nil {
		return nil, err
	}
	if home != nil {
		fmt.Fprintf(e.stdout, "board     %s\n", s.URL())
	}
	fmt.Fprintf(e.stdout, "metrics   %s/metrics\n", s.URL())
	return func() { _ = s.Close() }, nil
}

func (o *options) creditFlag() *int64 {
	return o.Int64("credit", 64, "`MiB` of samples that may be on their way or waiting, all augmenters together")
}

func (o *options) keepFlags() *snapshot.Keep {
	k := &snapshot.Keep{}
	o.IntVar(&k.Newest, "keep-newest", 5, "snapshots of a run that stay, at least 2; 0: all")
	o.IntVar(&k.Every, "keep-every", 10, "besides these, each so-and-so-many-th one stays; 0: only the first")
	return k
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return fmt.Sprintf("pid-%d", os.Getpid())
	}
	return fmt.Sprintf("%s-%d", name, os.Getpid())
}
