package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/stages/scenes"
	"selfstream/trainer"
	"selfstream/trainer/feed"
	"selfstream/trainer/method"
	"selfstream/trainer/plan"
)

// comparison is the settings of selfstream compare.
type comparison struct {
	methods       []string
	contenders    []contender // the first is the reference
	encoder       string
	size, batch   int
	steps, common int // of the others, and of the reference
	tolerance     float64
}

// contender is what makes steps.
type contender struct {
	backend   string
	precision precision
}

func runCompare(ctx context.Context, e *env, args []string) error {
	o := newOptions("compare", "", "Makes the same first steps of each method on several backends, with each precision, and prints a table\n"+
		"in Markdown: whether their losses agree, and images per second. It draws the pictures itself.")
	c := &comparison{}
	methods := o.String("methods", strings.Join(method.Names(), ","), "`names` of the methods")
	backends := o.String("backends", "go,xla:cuda", "`names` of the backends, the reference first: "+strings.Join(backend.Names(), ", "))
	precisions := o.String("precisions", "float32", "`names` of the precisions that each backend computes with, that of the reference first: float32, bfloat16")
	o.StringVar(&c.encoder, "encoder", "resnet18", "`name` of the network")
	o.IntVar(&c.size, "image-size", 64, "side of a view, in `pixels`")
	o.IntVar(&c.batch, "batch", 64, "images in a batch")
	o.IntVar(&c.steps, "steps", 100, "steps to make; those that are not compared repeat a batch, for the images per second")
	o.IntVar(&c.common, "compare", 5, "first `steps` that are compared; the reference makes only these, unless it is alone")
	o.Float64Var(&c.tolerance, "tolerance", 1e-3, "difference of a loss, relative to the reference's, that is too much; bfloat16 needs some 0.05")
	if err := o.parse(e, args, 0); err != nil {
		return err
	}
	c.methods = strings.Split(*methods, ",")
	for _, on := range strings.Split(*backends, ",") {
		for _, name := range strings.Split(*precisions, ",") {
			one := contender{backend: on}
			if err := one.precision.Set(name); err != nil {
				return usageError{fmt.Errorf("precisions: %w", err)}
			}
			c.contenders = append(c.contenders, one)
		}
	}
	if c.common < 1 || c.steps < c.common {
		return usageError{errors.New("want at least one step to compare of those that are made")}
	}
	return c.run(ctx, e.stdout)
}

func (c *comparison) run(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "%s at %d pixels, %d steps on batches of %d images, the first %d compared with those of %s in %s:\n\n"+
		"| method | backend | precision | losses | largest difference | images/s |\n|---|---|---|---|---|---|\n",
		c.encoder, c.size, c.steps, c.batch, c.common, c.contenders[0].backend, &c.contenders[0].precision)
	var apart []error
	for _, name := range c.methods {
		var reference []float64
		for i, on := range c.contenders {
			repeats := c.steps - c.common
			if i == 0 && len(c.contenders) > 1 {
				repeats = 0
			}
			r, err := c.rehearse(ctx, name, on, repeats)
			if err != nil {
				return fmt.Errorf("%s on %s in %s: %w", name, on.backend, &on.precision, err)
			}
			if i == 0 {
				reference = r.losses
			}
			d := distance(r.losses, reference)
			if !(d <= c.tolerance) {
				apart = append(apart, fmt.Errorf("%s on %s in %s is off by %.2g of the loss, want at most %g", name, on.backend, &on.precision, d, c.tolerance))
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %.1e | %s |\n", name, r.backend, &on.precision, text(r.losses), d, r.speed)
		}
	}
	return errors.Join(apart...)
}

// rehearsed is what some steps of a method on a backend gave.
type rehearsed struct {
	backend string // as it calls itself
	losses  []float64
	speed   string // images per second
}

// rehearse makes the steps that are compared, and repeats the last of them for
// the speed.
func (c *comparison) rehearse(ctx context.Context, name string, on contender, repeats int) (rehearsed, error) {
	b, reason, err := backend.Open(on.backend)
	if err != nil {
		return rehearsed{}, usageError{err}
	}
	defer b.Finalize()
	cfg, p, fetch, err := c.plan(ctx, name)
	if err != nil {
		return rehearsed{}, err
	}
	cfg.Precision = string(on.precision)
	r, err := trainer.Rehearse(b, cfg, len(scenes.Classes()), c.steps)
	if err != nil {
		return rehearsed{}, err
	}
	defer r.Close()
	out := rehearsed{backend: reason, speed: "–"}
	var last *feed.Batch
	err = remake(ctx, p, c.batch, c.common, fetch, func(b *feed.Batch) error {
		loss, err := r.Step(ctx, b)
		last, out.losses = b, append(out.losses, loss)
		return err
	})
	if err != nil || repeats == 0 {
		return out, err
	}
	took, err := r.Repeat(ctx, last, repeats)
	out.speed = fmt.Sprintf("%.0f", float64(c.batch*repeats)/max(took.Seconds(), 1e-9))
	return out, err
}

// plan is the training of a method on drawn pictures: enough of them that no
// batch holds one twice.
func (c *comparison) plan(ctx context.Context, name string) (schemas.Config, *plan.Plan, bucket.Getter, error) {
	m, err := method.New(name, nil)
	if err != nil {
		return schemas.Config{}, nil, nil, usageError{err}
	}
	best := m.Training()
	cfg := schemas.Config{
		Method: name, Encoder: c.encoder, ImageSize: c.size, Steps: c.steps, Batch: c.batch, Seed: demoSeed,
		Optimizer: best.Optimizer, LearningRate: best.LearningRate, BaseBatch: best.BaseBatch, WeightDecay: best.WeightDecay, Warmup: best.Warmup,
	}
	if err := cfg.Validate(); err != nil {
		return cfg, nil, nil, usageError{err}
	}
	drawn := new(bucket.Memory)
	for key, data := range scenes.All(demoSeed, c.batch/10+1, 0) {
		if err := drawn.Put(ctx, path.Join(demoDataset, key), data); err != nil {
			return cfg, nil, nil, err
		}
	}
	d, err := bucket.ReadDataset(ctx, drawn, nil, demoDataset, nil)
	if err != nil {
		return cfg, nil, nil, err
	}
	listed, err := plan.NewManifest(d, cfg)
	if err != nil {
		return cfg, nil, nil, err
	}
	return cfg, plan.New("compare", cfg.Seed, m.Recipe(c.size), listed), drawn, nil
}

// distance is the largest difference between losses, relative to the
// reference's.
func distance(losses, reference []float64) float64 {
	var largest float64
	for i, want := range reference {
		d := math.Abs(losses[i]/want - 1)
		if math.IsNaN(d) {
			return d
		}
		largest = max(largest, d)
	}
	return largest
}

func text(losses []float64) string {
	var s []string
	for _, l := range losses {
		s = append(s, fmt.Sprintf("%.5f", l))
	}
	return strings.Join(s, " ")
}
