package exhibit

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"selfstream/stages/bucket"
)

// maxBytes bounds what is read into memory.
const maxBytes = 64 << 20

// kept is how many exhibits of a run stay, besides that of the untrained
// encoder.
const kept = 3

// Key is where the exhibit of a step lies in the bucket "runs".
func Key(run string, step int) string {
	return fmt.Sprintf("%s/exhibits/%08d.safetensors", run, step)
}

// Steps lists the steps of which the run has an exhibit, in ascending order.
func Steps(ctx context.Context, b bucket.Bucket, run string) ([]int, error) {
	var steps []int
	for info, err := range b.List(ctx, run+"/exhibits/") {
		if err != nil {
			return nil, fmt.Errorf("listing exhibits of run %s: %w", run, err)
		}
		step, err := strconv.Atoi(strings.TrimSuffix(path.Base(info.Key), ".safetensors"))
		if err == nil && Key(run, step) == info.Key {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// Read reads the exhibit of a step. A missing one is fs.ErrNotExist.
func Read(ctx context.Context, b bucket.Bucket, run string, step int) (*Exhibit, error) {
	data, _, err := b.Get(ctx, Key(run, step), maxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading the exhibit of step %d of run %s: %w", step, run, err)
	}
	e := new(Exhibit)
	if err := e.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("reading %s: %w", Key(run, step), err)
	}
	return e, nil
}

// Write keeps e, and leaves of the older ones those of the untrained encoder
// and of a few steps before.
func Write(ctx context.Context, b bucket.Bucket, e *Exhibit) error {
	data, err := e.MarshalBinary()
	if err == nil {
		err = b.Put(ctx, Key(e.Run, e.Step), data)
	}
	if err != nil {
		return fmt.Errorf("writing the exhibit of step %d of run %s: %w", e.Step, e.Run, err)
	}
	steps, err := Steps(ctx, b, e.Run)
	if err != nil {
		return err
	}
	for i, step := range steps {
		if i == 0 || i >= len(steps)-kept {
			continue
		}
		if err := b.Delete(ctx, Key(e.Run, step)); err != nil {
			return fmt.Errorf("deleting an old exhibit: %w", err)
		}
	}
	return nil
}
