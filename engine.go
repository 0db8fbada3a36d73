package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"selfstream/augmenter"
	"selfstream/evaluator"
	"selfstream/stages/flow"
	"selfstream/stages/local"
	"selfstream/trainer"
	"selfstream/trainer/snapshot"
)

// engineName is under which an engine holds its runs. One process at a time can
// use a state folder.
const engineName = "up"

// engineFlags are the settings of an engine.
type engineFlags struct {
	augmenters int
	backend    *backendFlags
	credit     *int64
	keep       *snapshot.Keep
	state      string
	nats, s3   int
}

// engineFlags binds the settings of an engine, with these ports by default.
func (o *options) engineFlags(nats, s3 int) *engineFlags {
	f := &engineFlags{backend: o.backendFlags(), credit: o.creditFlag(), keep: o.keepFlags()}
	o.IntVar(&f.augmenters, "augmenters", runtime.NumCPU(), "augmenters in this process; 0: they join from outside")
	o.StringVar(&f.state, "state", defaultState, "`folder` that keeps everything")
	o.IntVar(&f.nats, "nats-port", nats, "`port` of NATS; 0: any free one")
	o.IntVar(&f.s3, "s3-port", s3, "`port` of the S3; 0: any free one")
	return f
}

// resolve checks the settings and makes the path absolute.
func (f *engineFlags) resolve() error {
	if f.augmenters < 0 {
		return usageError{fmt.Errorf("augmenters: have %d, want at least 0", f.augmenters)}
	}
	return absolute(&f.state)
}

// absolute makes a path absolute, unless it is empty: the embedded S3 changes
// the working directory.
func absolute(path *string) (err error) {
	if *path != "" {
		*path, err = filepath.Abs(*path)
	}
	return err
}

// engine is a whole system in this process: the servers, and the services on
// them.
type engine struct {
	buckets
	flags   *engineFlags
	servers *local.Local
	flow    *flow.Flow
	backend compute.Backend
	reason  string // why that backend

	augmenters map[string]*augmenter.Stats // by name
	training   *trainer.Stats
	probing    *evaluator.Stats
}

// start starts the servers, which listen at host.
func (f *engineFlags) start(ctx context.Context, e *env, host string) (_ *engine, err error) {
	x := &engine{flags: f, augmenters: map[string]*augmenter.Stats{}, training: new(trainer.Stats), probing: new(evaluator.Stats)}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	if x.backend, x.reason, err = f.backend.open(); err != nil {
		return nil, err
	}
	x.servers, err = local.Start(ctx, local.Options{
		Dir: f.state, Host: host, NATSPort: f.nats, MonitorPort: local.MonitorOff, S3Port: f.s3, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	if x.buckets, err = openBuckets(ctx, x.servers.S3.Config); err != nil {
		return nil, err
	}
	x.flow, err = flow.Connect(ctx, flow.Config{Options: []nats.Option{x.servers.NATS.InProcess()}, Name: engineName, Log: e.log})
	if err != nil {
		return nil, err
	}
	for i := range f.augmenters {
		x.augmenters[fmt.Sprintf("up-%d", i)] = new(augmenter.Stats)
	}
	return x, x.flow.Ensure(ctx)
}

// serve starts the services. They end with ctx.
func (x *engine) serve(ctx context.Context, group *errgroup.Group, log *slog.Logger) {
	for name, stats := range x.augmenters {
		group.Go(func() error {
			return augmenter.Run(ctx, augmenter.Config{
				Flow: x.flow, Datasets: x.datasets, Workers: 1, Name: name, Stats: stats, Log: log,
			})
		})
	}
	group.Go(func() error {
		return trainer.Run(ctx, trainer.Config{
			Flow: x.flow, Datasets: x.datasets, Runs: x.runs, Name: engineName, Backend: x.backend, BackendName: x.reason,
			Credit: *x.flags.credit << 20, Keep: *x.flags.keep,
			Fingerprint: augmenter.Fingerprint(), Version: version(), Stats: x.training, Log: log,
		})
	})
	group.Go(func() error {
		return evaluator.Run(ctx, evaluator.Config{
			Flow: x.flow, Datasets: x.datasets, Runs: x.runs, Backend: x.backend, Stats: x.probing, Log: log,
		})
	})
}

// metrics are those of all services.
func (x *engine) metrics() []prometheus.Collector {
	return []prometheus.Collector{augmenter.Metrics(x.augmenters), x.training.Metrics(), x.probing.Metrics(), x.flow.Metrics()}
}

// close ends what start has begun.
func (x *engine) close() error {
	if x.flow != nil {
		x.flow.Close()
	}
	x.buckets.close()
	if x.servers != nil {
		return x.servers.Close()
	}
	return nil
}
