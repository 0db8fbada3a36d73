package main

import (
	"context"
	"errors"
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
	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/stages/cache"
	"selfstream/stages/flow"
	"selfstream/stages/lease"
	"selfstream/stages/watch"
	"selfstream/trainer"
	"selfstream/trainer/drop"
	"selfstream/trainer/snapshot"
)

func runAugmenter(ctx context.Context, e *env, args []string) error {
	o := newOptions("augmenter", "", "Turns splits into samples until it is stopped. Start as many as you like, anywhere.")
	s := o.serviceFlags("its samples are known")
	workers := o.Int("workers", runtime.NumCPU(), "splits at work at once")
	kept := o.cacheFlags()
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	files, err := kept.open()
	if err != nil {
		return err
	}
	stats := new(augmenter.Stats)
	if err := s.start(ctx, e, nil, augmenter.Metrics(map[string]*augmenter.Stats{s.name: stats})); err != nil {
		return err
	}
	defer s.stop()
	return augmenter.Run(ctx, augmenter.Config{Flow: s.flow, Datasets: s.datasets, Cache: files, Workers: *workers, Name: s.name, Stats: stats, Log: e.log})
}

func runTrainer(ctx context.Context, e *env, args []string) error {
	o := newOptions("trainer", "", "Works on the runs that are asked for, one at a time, until it is stopped. Several share them.")
	s := o.serviceFlags("it holds the runs that it works on")
	chosen := o.backendFlags()
	credit := o.creditFlag()
	keep := o.keepFlags()
	dropped := o.dropFlags(false, o.settingFlags())
	o.IntVar(&s.replicas, "nats-replicas", 0, "`servers` of a cluster that keep each stream, such as 3; 0: as it is, and 1 at first")
	patience := o.Duration("lease", lease.DefaultDuration, "`time` without a sign of life after which another trainer may take over a run")
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if err := dropped.resolve(); err != nil {
		return err
	}
	b, reason, err := chosen.open()
	if err != nil {
		return err
	}
	e.log.Info("choosing a backend", "backend", reason)
	stats := new(trainer.Stats)
	if err := s.start(ctx, e, nil, stats.Metrics()); err != nil {
		return err
	}
	defer s.stop()
	stop := dropped.watch(ctx, drop.Config{
		Datasets: s.datasets, Runs: s.runs, Queue: drop.OnFlow{Flow: s.flow}, Name: s.name, Lease: *patience,
		Useful: func() bool { return s.flow.Health() == nil }, Log: e.log,
	})
	defer stop()
	return trainer.Run(ctx, trainer.Config{
		Flow: s.flow, Datasets: s.datasets, Runs: s.runs, Name: s.name, Lease: *patience,
		Backend: b, BackendName: reason, Credit: *credit << 20, Keep: *keep,
		Fingerprint: augmenter.Fingerprint(), Version: version(), Stats: stats, Log: e.log,
	})
}

func runEvaluator(ctx context.Context, e *env, args []string) error {
	o := newOptions("evaluator", "", "Probes every snapshot until it is stopped. With --http-port, it shows all runs on a page, too.")
	s := o.serviceFlags("it is connected")
	chosen := o.backendFlags()
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	b, reason, err := chosen.open()
	if err != nil {
		return err
	}
	e.log.Info("choosing a backend", "backend", reason)
	stats := new(evaluator.Stats)
	if err := s.start(ctx, e, newBoard, stats.Metrics()); err != nil {
		return err
	}
	defer s.stop()
	return evaluator.Run(ctx, evaluator.Config{Flow: s.flow, Datasets: s.datasets, Runs: s.runs, Backend: b, Stats: stats, Log: e.log})
}

// cacheFlags say where fetched files are kept.
type cacheFlags struct {
	dir  string
	size int64 // MiB
}

func (o *options) cacheFlags() *cacheFlags {
	c := &cacheFlags{}
	o.StringVar(&c.dir, "cache", "", "`folder` that keeps fetched files for the next epochs; several augmenters may share it")
	o.Int64Var(&c.size, "cache-size", 10<<10, "`MiB` that the cache may have, best all of the dataset")
	return c
}

// open returns nil where no cache is asked for.
func (c *cacheFlags) open() (*cache.Cache, error) {
	if c.dir == "" {
		return nil, nil
	}
	if c.size <= 0 {
		return nil, usageError{fmt.Errorf("cache-size: have %d MiB, want at least 1", c.size)}
	}
	return cache.Open(c.dir, c.size<<20)
}

// service is what the services have in common.
type service struct {
	kind, name string
	at         *addresses
	pages      *pageFlags
	replicas   int // of the streams

	flow *flow.Flow
	buckets
	shut func()
}

// serviceFlags binds the settings of a service; its name is that under which it
// does something.
func (o *options) serviceFlags(does string) *service {
	s := &service{kind: o.Name(), at: o.addressFlags(), pages: o.pageFlags(watch.Off)}
	o.StringVar(&s.name, "name", hostname(), "`name` under which "+does)
	return s
}

// start connects to a running system and shows the service's pages, of which
// home is the first if it is not nil.
func (s *service) start(ctx context.Context, e *env, home newHome, metrics prometheus.Collector) (err error) {
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err := s.connect(ctx, e); err != nil {
		return err
	}
	var page http.Handler
	if home != nil {
		page = home(ctx, e, s.flow, s.buckets)
	}
	s.shut, err = s.pages.open(e, s.health, page, metrics, s.flow.Metrics())
	return err
}

// connect makes the connections that the service needs. The trainer's makes the
// streams, for which the others wait.
func (s *service) connect(ctx context.Context, e *env) (err error) {
	if s.datasets, err = bucket.Open(ctx, s.at.s3, datasetsBucket); err != nil {
		return err
	}
	if s.kind != schemas.AugmenterService {
		if s.runs, err = bucket.Open(ctx, s.at.s3, runsBucket); err != nil {
			return err
		}
	}
	owner := s.kind == schemas.TrainerService
	s.flow, err = s.at.nats.connect(ctx, flow.Config{
		Name: s.kind + " " + s.name, Service: s.kind, Guest: !owner, Replicas: s.replicas, Log: e.log,
	})
	if err == nil && owner {
		err = s.flow.Ensure(ctx)
	}
	return err
}

// stop ends what start has begun.
func (s *service) stop() {
	if s.shut != nil {
		s.shut()
	}
	if s.flow != nil {
		s.flow.Close()
	}
	s.close()
}

// health tells what keeps the service from its work.
func (s *service) health(ctx context.Context) error {
	return errors.Join(s.flow.Health(), s.datasets.Health(ctx))
}

// newHome makes a page of what is connected to.
type newHome func(context.Context, *env, *flow.Flow, buckets) http.Handler

// newBoard is the page about all runs.
func newBoard(ctx context.Context, e *env, f *flow.Flow, b buckets) http.Handler {
	return board.New(ctx, board.Config{Flow: f, Datasets: b.datasets, Runs: b.runs, Log: e.log})
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

// open returns the backend, and in words which it is and why.
func (b *backendFlags) open() (compute.Backend, string, error) {
	if b.deterministic {
		if err := backend.Deterministic(); err != nil {
			return nil, "", usageError{err}
		}
	}
	chosen, reason, err := backend.Open(b.name)
	if err != nil {
		return nil, "", usageError{err}
	}
	return chosen, reason, nil
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

// open shows the pages, home among them unless it is nil, and returns a function
// that ends that.
func (p *pageFlags) open(e *env, health func(context.Context) error, home http.Handler, metrics ...prometheus.Collector) (shut func(), err error) {
	if p.port == watch.Off {
		return func() {}, nil
	}
	s, err := watch.Start(watch.Options{Host: p.host, Port: p.port, Health: health, Home: home, Metrics: metrics, Log: e.log})
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
