package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/ledger"
	"selfstream/trainer"
	"selfstream/trainer/plan"
)

func runRun(ctx context.Context, e *env, args []string) error {
	o := newOptions("run", "", "Asks a running system for a run on a dataset in its bucket. The same request twice is one run.")
	at := o.addressFlags()
	dataset := o.String("dataset", "", "`name` of the dataset, a prefix in the bucket \"datasets\"")
	asked := o.runFlags()
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	if *dataset == "" {
		return usageError{errors.New("which --dataset? see: selfstream datasets ls")}
	}
	req, err := asked.request(*dataset)
	if err != nil {
		return err
	}
	b, err := openBuckets(ctx, at.s3)
	if err != nil {
		return err
	}
	defer b.close()
	f, err := at.nats.connect(ctx, flow.Config{Name: "run", Service: schemas.PersonService, Log: e.log})
	if err != nil {
		return err
	}
	defer f.Close()
	if req.Run, err = freshName(ctx, b, req, asked.name != ""); err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := f.Publish(asking, &req); err != nil {
		return fmt.Errorf("%w; has a trainer been started, which makes the queue?", err)
	}
	fmt.Fprintln(e.stdout, req.Run)
	return nil
}

// askTime is longer than a server takes to restart.
const askTime = 30 * time.Second

// freshName is the name of the run that a request means: the one that was
// begun with the same settings, or the next one if that is finished and the
// dataset has changed since. A name that a person gave stays, and is refused if
// it means a run with other settings.
func freshName(ctx context.Context, b buckets, req schemas.RunRequest, given bool) (string, error) {
	l := ledger.New(b.runs)
	if given {
		var kept schemas.RunRequest
		begun, err := l.Find(ctx, req.Run, ledger.Request, &kept)
		if begun {
			err = trainer.Continues(req, kept)
		}
		return req.Run, err
	}
	for n := 1; ; n++ {
		name := req.Run
		if n > 1 {
			name = fmt.Sprintf("%s-%d", req.Run, n)
		}
		var status ledger.Status
		if err := l.Read(ctx, name, ledger.State, &status); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if status.State != ledger.Finished {
			return name, nil
		}
		same, err := unchanged(ctx, b, l, name)
		if err != nil {
			return "", err
		}
		if same {
			return name, nil
		}
	}
}

// unchanged tells whether the dataset is still what the run was made from.
func unchanged(ctx context.Context, b buckets, l *ledger.Ledger, run string) (bool, error) {
	var kept schemas.RunRequest
	var m plan.Manifest
	for document, v := range map[string]any{ledger.Request: &kept, ledger.Manifest: &m} {
		if err := l.Read(ctx, run, document, v); err != nil {
			return false, err
		}
	}
	d, err := bucket.ReadDataset(ctx, b.datasets, b.runs, m.Dataset, func(int) {})
	if err != nil {
		return false, err
	}
	now, err := plan.NewManifest(d, kept.Config)
	return err == nil && now.SHA256() == m.SHA256(), nil // else it has become too small for the run
}
