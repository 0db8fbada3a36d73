package trainer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/lease"
	"selfstream/stages/ledger"
	"selfstream/trainer/feed"
	"selfstream/trainer/layer"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
	"selfstream/trainer/plan"
	"selfstream/trainer/snapshot"
)

// errFinished is returned for a run that has nothing left to train.
var errFinished = errors.New("run is finished")

// now is the time as it is written down.
func now() time.Time { return time.Now().UTC().Round(time.Millisecond) }

// run is one run at work.
type run struct {
	*trainer
	lease    *lease.Lease
	runs     bucket.Bucket      // written to under the lease
	ledger   *ledger.Ledger     // alike
	req      schemas.RunRequest // with every default filled in
	log      *slog.Logger
	manifest *plan.Manifest
	listed   string // digest of the manifest
	plan     *plan.Plan
	recipe   schemas.Recipe
	learner  *learner
	schedule optim.Schedule
	holes    *feed.Holes
	steps    int // in all
	status   ledger.Status
	curve    ledger.Curve

	card *snapshot.Card // of the snapshot it goes on from; nil at its first start

	// Where it is: all of it is in a snapshot's card.
	step    int
	cursor  plan.Cursor
	digest  feed.Digest
	trained int64         // samples
	before  time.Duration // at work in earlier starts
	started time.Time     // this start
	retries int64         // of the connection, before
}

// open finds the run that is asked for, or makes it, and loads its last
// snapshot.
func (t *trainer) open(ctx context.Context, held *lease.Lease, req schemas.RunRequest) (*run, error) {
	guarded := held.Guard(t.Runs)
	r := &run{
		trainer: t, lease: held, runs: guarded, ledger: ledger.New(guarded),
		req: req, log: t.Log.With("run", req.Run), started: time.Now(), retries: t.Flow.Counts().Retries(),
	}
	var kept schemas.RunRequest
	err := r.ledger.Read(ctx, req.Run, ledger.Request, &kept)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = r.begin(ctx)
	case err == nil:
		err = r.resume(ctx, kept)
	}
	if err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// begin lists the dataset, once and for all, and fills in the defaults that
// depend on it.
func (r *run) begin(ctx context.Context) error {
	var told time.Time
	d, err := bucket.ReadDataset(ctx, r.Datasets, r.Runs, r.req.Dataset, func(found int) {
		if time.Since(told) > time.Second {
			told = time.Now()
			r.log.Info("listing the dataset", "dataset", r.req.Dataset, "images", found)
		}
	})
	if err != nil {
		return err
	}
	if err := r.current(ctx); err != nil {
		return err
	}
	if r.manifest, err = plan.NewManifest(d, r.req.Config); err != nil {
		return err
	}
	r.log.Info("listed the dataset", "dataset", d.Name, "images", len(d.Train), "trained_on", len(r.manifest.Images), "test_images", len(d.Test),
		"classes", len(d.Classes), "other_files", d.Others.Count, "such_as", d.Others.Names, "unused_images", d.Unused.Count)
	if d.Broken.Count > 0 {
		r.log.Warn("some tars are damaged: what is whole of them is used", "dataset", d.Name, "tars", d.Broken.Count, "such_as", d.Broken.Names)
	}
	if err := checkLabels(r.req.Config, d, r.manifest); err != nil {
		return err
	}
	if err := fill(&r.req.Config, len(r.manifest.Images)); err != nil {
		return fmt.Errorf("dataset %q: %w", d.Name, err)
	}
	if err := r.ledger.Write(ctx, r.req.Run, ledger.Manifest, r.manifest); err != nil {
		return err
	}
	// The request is written last: it is what makes a run exist.
	return r.ledger.Write(ctx, r.req.Run, ledger.Request, r.req)
}

// errChanged is returned for a run on a dataset that is not what it was when the
// run was asked for.
var errChanged = errors.New("the dataset has changed since the run was asked for")

// current tells whether the dataset is the one that the request means.
func (r *run) current(ctx context.Context) error {
	if r.req.Version == "" {
		return nil
	}
	v, err := bucket.ReadVersion(ctx, r.Datasets, r.req.Dataset)
	if err == nil && v.SHA256 != r.req.Version {
		err = errChanged
	}
	return err
}

// fill chooses what the request leaves to the trainer.
func fill(c *schemas.Config, images int) error {
	if images < 2 {
		return fmt.Errorf("it has %d image, and there is nothing to learn from fewer than two: add images", images)
	}
	if c.Batch == 0 {
		m, err := method.New(c.Method, c.Settings)
		if err != nil {
			return err
		}
		for c.Batch = m.Training().Batch; c.Batch > 2 && c.Batch > images/2; c.Batch /= 2 {
		}
	}
	if images < c.Batch {
		return fmt.Errorf("it has %d images and a batch takes %d: choose a --batch of at most %d, or add images", images, c.Batch, images)
	}
	if c.SnapshotEvery == 0 {
		// Five snapshots show how learning goes, and no crash costs more than a
		// thousand steps.
		c.SnapshotEvery = min(max(1, (totalSteps(*c, images)+4)/5), 1000)
	}
	return c.Validate()
}

// totalSteps is the number of full batches in a run without broken images.
func totalSteps(c schemas.Config, images int) int {
	if c.Steps > 0 {
		return c.Steps
	}
	return c.Epochs * images / c.Batch
}

// resume takes the manifest that the run began with.
func (r *run) resume(ctx context.Context, kept schemas.RunRequest) error {
	if err := Continues(r.req, kept); err != nil {
		return err
	}
	r.req = kept
	if err := r.ledger.Read(ctx, kept.Run, ledger.State, &r.status); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r.status.State == ledger.Finished {
		return errFinished
	}
	r.manifest = &plan.Manifest{}
	if err := r.ledger.Read(ctx, kept.Run, ledger.Manifest, r.manifest); err != nil {
		return err
	}
	return r.manifest.Validate()
}

// ErrOtherSettings is returned for a request for something else under the name
// of a run that exists.
var ErrOtherSettings = errors.New("exists with other settings")

// Continues returns nil if a request means the run that was kept.
func Continues(asked, kept schemas.RunRequest) error {
	if asked.Config.Batch == 0 {
		asked.Config.Batch = kept.Config.Batch
	}
	if asked.Config.SnapshotEvery == 0 {
		asked.Config.SnapshotEvery = kept.Config.SnapshotEvery
	}
	if !reflect.DeepEqual(normal(asked), normal(kept)) {
		return fmt.Errorf("run %s %w; choose another --name, or the settings in %s/%s", kept.Run, ErrOtherSettings, kept.Run, ledger.Request)
	}
	return nil
}

// normal makes requests that mean the same equal.
func normal(r schemas.RunRequest) schemas.RunRequest {
	if len(r.Config.Settings) == 0 {
		r.Config.Settings = nil
	}
	return r
}

// prepare builds what a run works with, from its last snapshot if it has one.
func (r *run) prepare(ctx context.Context) error {
	c := r.req.Config
	r.listed = r.manifest.SHA256()
	what, err := newLesson(c, len(r.manifest.Classes))
	if err != nil {
		return err
	}
	r.recipe = what.recipe
	r.plan = plan.New(r.req.Run, c.Seed, r.recipe, r.manifest)
	r.steps = totalSteps(c, len(r.manifest.Images))
	r.schedule = schedule(c, r.steps)

	store, err := r.load(ctx)
	if err != nil {
		return err
	}
	layer.SetSeed(store, c.Seed)
	var rejects []schemas.Reject
	if err := r.ledger.Read(ctx, r.req.Run, ledger.Rejects, &rejects); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.holes = feed.NewHoles(r.req.Run, len(r.manifest.Images), c.MaxHoles, c.MaxHoleRate, int(min(r.trained, int64(len(r.manifest.Images)))), rejects)
	r.learner, err = newLearner(r.Backend, store, what)
	return err
}

// schedule is the learning rate of a run of that many steps. With a base batch
// it is in proportion to the batch (Goyal et al., 2017, section 2.1,
// https://arxiv.org/abs/1706.02677).
func schedule(c schemas.Config, steps int) optim.Schedule {
	peak := c.LearningRate
	if c.BaseBatch > 0 {
		peak *= float64(c.Batch) / float64(c.BaseBatch)
	}
	return optim.Schedule{Peak: peak, Final: finalRate * peak, Warmup: int(c.Warmup * float64(steps)), Steps: steps}
}

// finalRate is the learning rate of the last step as a share of the highest,
// as in lightly and in the authors' program of Barlow Twins: at 0 that step
// would be for nothing.
const finalRate = 1e-3

// load returns the store of the newest snapshot that is whole, or an empty one.
func (r *run) load(ctx context.Context) (*model.Store, error) {
	steps, err := snapshot.Steps(ctx, r.runs, r.req.Run)
	if err != nil {
		return nil, err
	}
	for _, step := range slices.Backward(steps) {
		store, card, err := snapshot.ReadState(ctx, r.runs, snapshot.Prefix(r.req.Run, step))
		if errors.Is(err, snapshot.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			r.log.Warn("skipping a damaged snapshot for the one before", "step", step, "err", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := r.match(card); err != nil {
			return nil, err
		}
		if r.digest, err = feed.ParseDigest(card.BatchesSHA256); err != nil {
			return nil, err
		}
		r.card = &card
		r.step, r.cursor, r.trained = card.Step, card.Cursor, card.SamplesTrained
		r.before = time.Duration(card.Seconds * float64(time.Second))
		if was := r.status.Backend; was != "" && was != r.BackendName {
			r.log.Warn("continuing on another backend: the batches stay the same, the weights may not", "was", was, "is", r.BackendName)
		}
		if err := r.ledger.Read(ctx, r.req.Run, ledger.Curves, &r.curve); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		r.log.Info("continuing", "step", r.step, "epoch", r.cursor.Epoch, "split", r.cursor.Split)
		return store, nil
	}
	return model.NewStore(), nil
}

// match refuses to go on where the batches to come would not be those of one
// manifest, one build and one recipe with the batches before.
func (r *run) match(card snapshot.Card) error {
	if card.Fingerprint != r.Fingerprint {
		return fmt.Errorf("step %d was made by %q, and this is %q: go on with that build on such a machine, or begin another run with --name",
			card.Step, card.Fingerprint, r.Fingerprint)
	}
	if !reflect.DeepEqual(card.Recipe, r.recipe) {
		return fmt.Errorf("step %d was trained on views that this build does not make by the run's settings (see recipe in its card.json): go on with the build that began it, or begin another run with --name",
			card.Step)
	}
	if have := r.listed; have != card.ManifestSHA256 {
		return fmt.Errorf("%s/%s has been changed: have digest %s, want %s as at step %d: put the old one back, or begin another run with --name",
			r.req.Run, ledger.Manifest, have, card.ManifestSHA256, card.Step)
	}
	return nil
}

func (r *run) close() { r.learner.close() }
