package evaluator

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
	"selfstream/trainer/snapshot"
)

// Probes that only Evaluate makes.
const (
	SGDLinear = "sgd"      // the linear probe of published tables
	FineTuned = "finetune" // the encoder and a classifier learn from labels, from the snapshot on
	Scratch   = "scratch"  // the same from weights drawn at random
)

// DefaultSGD is the linear probe as most papers have it: the encoder frozen,
// SGD with momentum 0.9 for 100 epochs on random crops, a cosine. These are the
// constants of the program of Barlow Twins (facebookresearch/barlowtwins,
// evaluate.py), which quotes the best epoch on the test images; here it is the
// last. It is for comparison with such tables: Linear is quicker and converges.
func DefaultSGD() Tuning {
	return Tuning{Frozen: true, Optimizer: "sgd", LearningRate: 0.3, WeightDecay: 1e-6, Batch: 256, Epochs: 100, Crop: 0.08}
}

// DefaultFineTune is the budget of FineTuned and Scratch alike, whatever the
// share of the labels. It suits small images and minutes.
//
// Chen et al., 2020, "Big Self-Supervised Models are Strong Semi-Supervised
// Learners", section 3, https://arxiv.org/abs/2006.10029, fine-tune with 1 % and
// 10 % of the labels, the same share of each class.
func DefaultFineTune() Tuning {
	return Tuning{Optimizer: "adamw", LearningRate: 1e-3, WeightDecay: 1e-4, Batch: 64, Steps: 300, Crop: 0.5}
}

// few chooses a share of each class's images, rounded, but at least one. The
// choice depends on nothing but the labels and the seed.
func few(labels []int32, share float64, seed uint64) []int {
	var chosen []int
	for _, class := range distinct(labels) {
		var members []int
		for i, label := range labels {
			if label == class {
				members = append(members, i)
			}
		}
		n := max(1, int(math.Round(share*float64(len(members)))))
		for _, k := range random.New(seed).Fold(fewBranch).Fold(uint64(class)).Perm(len(members))[:n] {
			chosen = append(chosen, members[k])
		}
	}
	slices.Sort(chosen)
	return chosen
}

// fewBranch keeps the keys of choices apart from those of views.
const fewBranch = 0x66657720 // "few "

// tune has a classifier learn from a share of the labels, once for each seed.
// From scratch, the encoder begins with weights that are drawn from the seed.
func (c *candidate) tune(ctx context.Context, how Tuning, share float64, seeds int, scratch bool) (schemas.Report, error) {
	card, err := snapshot.ReadCard(ctx, c.Runs, c.snapshot.Prefix)
	if err != nil {
		return schemas.Report{}, err
	}
	if err := c.load(ctx, c.chosen, card.Config.ImageSize); err != nil {
		return schemas.Report{}, err
	}
	enc, err := encoder.New(card.Config.Encoder)
	if err != nil {
		return schemas.Report{}, err
	}
	var all []Verdict
	for seed := range uint64(seeds) {
		store := model.NewStore()
		if !scratch {
			if store, _, err = snapshot.ReadEncoder(ctx, c.Runs, c.snapshot.Prefix); err != nil {
				return schemas.Report{}, err
			}
		}
		v, err := c.tuneOnce(ctx, &tuned{Tuning: how, encoder: enc, store: store, classes: len(c.chosen.Classes)}, share, seed+1)
		store.Finalize()
		if err != nil {
			return schemas.Report{}, fmt.Errorf("seed %d: %w", seed+1, err)
		}
		all = append(all, v)
	}
	v := mean(all)
	v.Constants = how.constants(v.Train, card.Config.ImageSize)
	return c.repeated(v, all), nil
}

func (c *candidate) tuneOnce(ctx context.Context, t *tuned, share float64, seed uint64) (Verdict, error) {
	train, test := c.images.train, c.images.test
	which := few(train.labels, share, seed)
	if err := t.learn(ctx, c.Backend, train, which, seed); err != nil {
		return Verdict{}, err
	}
	predicted, err := t.predict(ctx, c.Backend, test)
	if err != nil {
		return Verdict{}, err
	}
	v := score(Task{Classes: c.chosen.Classes, Test: Features{Labels: test.labels}}, predicted)
	v.Train = len(which)
	return v, nil
}

// fewLabels has a probe judge the last stage by a share of the labels, once for
// each seed.
func (c *candidate) fewLabels(ctx context.Context, p Probe, share float64, seeds int) (schemas.Report, error) {
	stages, err := c.features(ctx)
	if err != nil {
		return schemas.Report{}, err
	}
	t := stages[len(stages)-1].Task
	var all []Verdict
	for seed := range uint64(seeds) {
		some := Task{Classes: t.Classes, Train: t.Train.rows(few(t.Train.Labels, share, seed+1)), Test: t.Test}
		v, err := verdict(ctx, p, some)
		if err != nil {
			return schemas.Report{}, err
		}
		all = append(all, v)
	}
	v := mean(all)
	v.Constants = shared(all)
	return c.repeated(v, all), nil
}

// repeated is the report of verdicts that differ in the seed.
func (c *candidate) repeated(v Verdict, all []Verdict) schemas.Report {
	r := c.report(v)
	for _, one := range all {
		r.Repeats = append(r.Repeats, one.Value)
	}
	r.Constants["seeds"] = fmt.Sprintf("1 to %d", len(all))
	return r
}

// mean is the mean of verdicts on the same test images.
func mean(all []Verdict) Verdict {
	v := Verdict{Train: all[0].Train, Test: all[0].Test, PerClass: slices.Clone(all[0].PerClass)}
	for i := range v.PerClass {
		v.PerClass[i].Value = 0
	}
	n := float64(len(all))
	for _, one := range all {
		v.Value += one.Value / n
		for i, c := range one.PerClass {
			v.PerClass[i].Value += c.Value / n
		}
	}
	return v
}

// shared are the constants that all verdicts have alike.
func shared(all []Verdict) map[string]string {
	same := map[string]string{}
	for name, value := range all[0].Constants {
		if !slices.ContainsFunc(all, func(v Verdict) bool { return v.Constants[name] != value }) {
			same[name] = value
		}
	}
	return same
}
