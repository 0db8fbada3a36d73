package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"golang.org/x/sync/errgroup"

	"selfstream/augmenter"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/trainer/feed"
	"selfstream/trainer/method"
	"selfstream/trainer/plan"
)

func runVerify(ctx context.Context, e *env, args []string) error {
	o := newOptions("verify", "RUN", "Makes all batches of a run again, from its manifest and settings and without training, and compares\n"+
		"their digest with the one that the run published.")
	at := o.placeFlags()
	if err := o.parse(e, args, 1); err != nil {
		return err
	}
	if o.word(0) == "" {
		return usageError{errors.New("which run? see: selfstream runs")}
	}
	b, done, err := at.open(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	return verify(ctx, e, b, o.word(0))
}

// verify makes the batches of a run again. It is an error if they differ.
func verify(ctx context.Context, e *env, b buckets, run string) error {
	l := ledger.New(b.runs)
	var req schemas.RunRequest
	var status ledger.Status
	var m plan.Manifest
	for document, v := range map[string]any{ledger.Request: &req, ledger.State: &status, ledger.Manifest: &m} {
		if err := l.Read(ctx, run, document, v); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("run %q has no %s: it does not exist or has not begun; see: selfstream runs", run, document)
			}
			return err
		}
	}
	if err := m.Validate(); err != nil {
		return err
	}
	if own := augmenter.Fingerprint(); own != status.Fingerprint {
		return fmt.Errorf("the batches of run %s were made by %q, and this is %q: verify it with the same build on the same kind of machine", run, status.Fingerprint, own)
	}
	way, err := method.New(req.Config.Method, req.Config.Settings)
	if err != nil {
		return err
	}
	recipe := way.Recipe(req.Config.ImageSize)
	p := plan.New(run, req.Config.Seed, recipe, &m)
	var digest feed.Digest
	progress, n := throttled(e, "batches made again"), 0
	err = remake(ctx, p, req.Config.Batch, status.Step, b.datasets, func(b *feed.Batch) error {
		digest = digest.Add(b)
		n++
		progress(n)
		return nil
	})
	if err != nil {
		return err
	}
	if have := digest.String(); have != status.BatchesSHA256 {
		return fmt.Errorf("run %s trained on other batches: it published %s at step %d, its manifest and settings give %s; "+
			"has an image been changed since?", run, status.BatchesSHA256, status.Step, have)
	}
	fmt.Fprintf(e.stdout, "run %s: %d batches of %d images are those of its manifest and settings: %s\n", run, status.Step, req.Config.Batch, digest)
	return nil
}

// remake makes the first batches of a plan, with all cores, and has each taken
// in turn.
func remake(ctx context.Context, p *plan.Plan, size, batches int, from bucket.Getter, take func(*feed.Batch) error) error {
	group, ctx := errgroup.WithContext(ctx)
	ahead := make(chan chan *schemas.Samples, runtime.NumCPU()) // in the order of the plan
	ctx, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer close(ahead)
		for at := (plan.Position{}); ctx.Err() == nil; at = p.Next(at) {
			made := make(chan *schemas.Samples, 1)
			select {
			case ahead <- made:
			case <-ctx.Done():
				return nil
			}
			group.Go(func() error {
				s, err := augmenter.Make(ctx, p.Split(at), from)
				if err != nil && ctx.Err() == nil {
					return err
				}
				made <- s
				return nil
			})
		}
		return nil
	})
	group.Go(func() error {
		defer stop() // there is nothing more to make
		cutter, n := feed.NewCutter(p, size, plan.Cursor{}), 0
		for n < batches {
			s, err := next(ctx, ahead)
			if err != nil {
				return err
			}
			cutter.Add(s)
			for b := cutter.Next(); b != nil && n < batches; b = cutter.Next() {
				if err := take(b); err != nil {
					return err
				}
				n++
			}
		}
		return nil
	})
	return group.Wait()
}

// next waits for the next samples in the order of the plan.
func next(ctx context.Context, ahead <-chan chan *schemas.Samples) (*schemas.Samples, error) {
	select {
	case made, ok := <-ahead:
		if !ok {
			return nil, ctx.Err()
		}
		select {
		case s := <-made:
			return s, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
