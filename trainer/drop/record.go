package drop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// Record is what is kept of a dataset in the bucket "runs", so that what was
// asked for is not asked for again, and nothing that was is lost:
//
//	_drops/<dataset>.json   Record
//	_drops/lease.lock       which process watches; see package lease
//
// No run has such a name.
type Record struct {
	Version string   `json:"version"`           // of the dataset; see bucket.Version
	Problem string   `json:"problem,omitempty"` // why no run was asked for
	Runs    []string `json:"runs,omitempty"`    // that were asked for

	// Waiting are the requests for those that no trainer has begun.
	Waiting []schemas.RunRequest `json:"waiting,omitempty"`
}

const (
	folder   = "_drops/"
	leaseKey = folder + "lease.lock" // which is the record of no dataset

	maxRecord = 1 << 20
)

// Read returns what is kept of a dataset; nothing is if it has not been seen.
func Read(ctx context.Context, runs bucket.Bucket, dataset string) (Record, error) {
	var r Record
	key := folder + dataset + ".json"
	data, _, err := runs.Get(ctx, key, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading what is known of dataset %s, %s: %w", dataset, key, err)
	}
	return r, nil
}

// Skip keeps that a dataset, as it is now, has a run that was asked for by
// somebody else.
func Skip(ctx context.Context, datasets, runs bucket.Bucket, dataset, run string) error {
	v, err := bucket.ReadVersion(ctx, datasets, dataset)
	if err != nil || v.Files == 0 {
		return err
	}
	return write(ctx, runs, dataset, Record{Version: v.SHA256, Runs: []string{run}})
}

func write(ctx context.Context, runs bucket.Bucket, dataset string, r Record) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = runs.Put(ctx, folder+dataset+".json", append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("keeping what is known of dataset %s: %w", dataset, err)
	}
	return nil
}
