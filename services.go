package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/gomlx/compute"

	"selfstream/augmenter"
	"selfstream/evaluator"
	"selfstream/stages/backend"
	"selfstream/trainer"
	"selfstream/trainer/snapshot"
)

func runAugmenter(ctx context.Context, e *env, args []string) error {
	o := newOptions("augmenter", "", "Turns splits into samples until it is stopped. Start as many as you like, anywhere.")
	at := o.addressFlags()
	workers := o.Int("workers", runtime.NumCPU(), "splits at work at once")
	name := o.String("name", hostname(), "`name` under which its samples are known")
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	f, s3, err := at.open(ctx, e, "augmenter "+*name)
	if err != nil {
		return err
	}
	defer f.Close()
	defer s3.close()
	return augmenter.Run(ctx, augmenter.Config{Flow: f, Datasets: s3.datasets, Workers: *workers, Name: *name, Log: e.log})
}

func runTrainer(ctx context.Context, e *env, args []string) error {
	o := newOptions("trainer", "", "Works on the runs that are asked for, one at a time, until it is stopped.")
	at := o.addressFlags()
	chosen := o.backendFlags()
	credit := o.creditFlag()
	keep := o.keepFlags()
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
	return trainer.Run(ctx, trainer.Config{
		Flow: f, Datasets: s3.datasets, Runs: s3.runs, Backend: b, BackendName: reason, Credit: *credit << 20,
		Keep: *keep, Fingerprint: augmenter.Fingerprint(), Version: version(), Log: e.log,
	})
}

func runEvaluator(ctx context.Context, e *env, args []string) error {
	o := newOptions("evaluator", "", "Probes every snapshot until it is stopped.")
	at := o.addressFlags()
	chosen := o.backendFlags()
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
	return evaluator.Run(ctx, evaluator.Config{Flow: f, Datasets: s3.datasets, Runs: s3.runs, Backend: b, Log: e.log})
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
