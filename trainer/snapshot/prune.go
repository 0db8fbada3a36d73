package snapshot

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"selfstream/stages/bucket"
)

// Steps lists the steps of which the run has a snapshot, in ascending order.
func Steps(ctx context.Context, b bucket.Bucket, run string) ([]int, error) {
	files := map[int]int{}
	for info, err := range b.List(ctx, run+"/snapshots/") {
		if err != nil {
			return nil, fmt.Errorf("listing snapshots of run %s: %w", run, err)
		}
		folder, file := path.Split(info.Key)
		step, err := strconv.Atoi(path.Base(strings.TrimSuffix(folder, "/")))
		if err == nil && Prefix(run, step)+"/" == folder && (file == cardFile || file == stateFile) {
			files[step]++
		}
	}
	var steps []int
	for step, n := range files {
		if n == 2 {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// Keep says which snapshots of a run stay: the newest, each Every-th, and
// always the first. The zero value keeps all.
type Keep struct {
	Newest int // at least 2, so that a damaged one is not the end; 0: all
	Every  int // 0: none but the newest and the first
}

// Prune deletes the weights of all other snapshots. Their cards stay, as the
// run's record.
func Prune(ctx context.Context, b bucket.Bucket, run string, keep Keep) error {
	if keep.Newest == 0 {
		return nil
	}
	steps, err := Steps(ctx, b, run)
	if err != nil {
		return err
	}
	for i, step := range steps[:max(0, len(steps)-max(2, keep.Newest))] {
		card, err := ReadCard(ctx, b, Prefix(run, step))
		if err != nil {
			return err
		}
		if i == 0 || card.nth(keep.Every) {
			continue
		}
		for _, file := range []string{stateFile, encoderFile} {
			if err := b.Delete(ctx, Prefix(run, step)+"/"+file); err != nil {
				return fmt.Errorf("deleting snapshot %s: %w", Prefix(run, step), err)
			}
		}
	}
	return nil
}

// nth tells whether the snapshot is each n-th of the planned ones. It counts
// from the run's start, not from what is left, or each round would thin out
// what the last one kept.
func (c Card) nth(n int) bool {
	return n > 0 && c.Planned() && c.Step/max(1, c.Config.SnapshotEvery)%n == 0
}
