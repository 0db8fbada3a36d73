package board

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"selfstream/evaluator/exhibit"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// gathered is what a page about a run shows besides the run.
type gathered struct {
	now, untrained *exhibit.Exhibit // of the last snapshot, and of the first; nil where there is none
	supervised     *history.Run     // with the labels, on the same dataset; nil where there is none
	Sight          *sight           // of its samples; nil until there is one
	team           team             // of augmenters, of all runs; empty for those who do not listen
}

// supervisedMethod is the name of the method that learns from labels.
const supervisedMethod = "supervised"

// gather reads what is not there yet. What cannot be read is left out: the rest
// of the page does without.
func (b *board) gather(ctx context.Context, run *history.Run, g *gathered) {
	steps, err := exhibit.Steps(ctx, b.Runs, run.Run)
	if err != nil {
		b.Log.Warn("looking for exhibits", "run", run.Run, "err", err)
	}
	if n := len(steps); n > 0 {
		b.read(ctx, run.Run, steps[n-1], &g.now)
		if n > 1 && steps[0] == 0 {
			b.read(ctx, run.Run, 0, &g.untrained)
		}
	}
	if g.supervised, err = b.baseline(ctx, run); err != nil {
		b.Log.Warn("looking for a supervised run", "run", run.Run, "err", err)
	}
}

// read reads an exhibit unless it is the one that is there.
func (b *board) read(ctx context.Context, run string, step int, to **exhibit.Exhibit) {
	if *to != nil && (*to).Step == step {
		return
	}
	x, err := exhibit.Read(ctx, b.Runs, run, step)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		b.Log.Warn("reading an exhibit", "err", err)
		return
	}
	*to = x
}

// baseline is the last finished run that learnt from the labels of the same
// dataset with the same encoder, at the same size; nil if there is none.
func (b *board) baseline(ctx context.Context, run *history.Run) (*history.Run, error) {
	if run.Method == supervisedMethod || !run.Labelled() {
		return nil, nil
	}
	names, err := b.ledger.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var best *history.Run
	for _, name := range names {
		var req schemas.RunRequest
		if _, err := b.ledger.Find(ctx, name, ledger.Request, &req); err != nil {
			return nil, err
		}
		c := req.Config
		if c.Method != supervisedMethod || req.Dataset != run.Dataset || c.Encoder != run.Config.Encoder || c.ImageSize != run.Config.ImageSize {
			continue
		}
		other, err := history.Read(ctx, b.ledger, name)
		if err != nil {
			return nil, err
		}
		if other.Finished() && other.Labelled() && (best == nil || best.Updated.Before(other.Updated)) {
			best = other
		}
	}
	return best, nil
}

// sheet serves the pictures of an exhibit.
func (b *board) sheet(w http.ResponseWriter, r *http.Request) {
	run := r.PathValue("run")
	step, err := strconv.Atoi(r.PathValue("step"))
	if err == nil {
		err = schemas.CheckName(run)
	}
	var x *exhibit.Exhibit
	if err == nil {
		x, err = exhibit.Read(r.Context(), b.Runs, run, step)
	}
	if err != nil {
		fail(w, http.StatusNotFound, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(x.Sheet.JPEG) // whoever left cannot be told
}
