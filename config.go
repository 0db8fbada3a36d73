package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"selfstream/schemas"
	"selfstream/trainer/encoder"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// settings are the method's own, given as --set key=value.
type settings map[string]string

func (s settings) String() string { return "" }

func (s settings) Set(kv string) error {
	key, value, ok := strings.Cut(kv, "=")
	if !ok {
		return fmt.Errorf("have %q, want key=value", kv)
	}
	s[key] = value
	return nil
}

// runFlags binds what decides a run. The learning rate and the like suit small
// images and small encoders on a laptop.
func (o *options) runFlags() (*schemas.Config, *string) {
	c := &schemas.Config{Settings: settings{}}
	o.StringVar(&c.Method, "method", "simclr", "`name` of the way to learn: "+strings.Join(method.Names(), ", "))
	o.Var(settings(c.Settings), "set", "a `key=value` setting of the method, such as temperature=0.5; may be repeated")
	o.StringVar(&c.Encoder, "encoder", "tiny", "`name` of the network: "+strings.Join(encoder.Names(), ", "))
	o.IntVar(&c.ImageSize, "image-size", 32, "side of a view, in `pixels`")
	o.IntVar(&c.Epochs, "epochs", 0, "passes over the images, if --steps is not given (default 20)")
	o.IntVar(&c.Steps, "steps", 0, "batches to train on, instead of --epochs")
	o.IntVar(&c.Batch, "batch", 0, "images in a batch; 0: 128, or fewer for a small dataset")
	o.Uint64Var(&c.Seed, "seed", 1, "decides everything that is drawn at random")
	o.StringVar(&c.Optimizer, "optimizer", "adamw", "`name` of the optimiser: "+strings.Join(optim.Names(), ", "))
	o.Float64Var(&c.LearningRate, "learning-rate", 4e-3, "at the top of its schedule")
	o.Float64Var(&c.WeightDecay, "weight-decay", 1e-4, "of the weights; biases and norms have none")
	o.Float64Var(&c.Warmup, "warmup", 0.1, "share of the steps in which the learning rate rises")
	o.IntVar(&c.SnapshotEvery, "snapshot-every", 0, "steps between snapshots; 0: five in all, at most 1000 steps apart")
	o.IntVar(&c.MaxHoles, "max-holes", 100, "broken images that are borne, whatever their share")
	o.Float64Var(&c.MaxHoleRate, "max-hole-rate", 0.1, "share of broken images that is borne, however many")
	name := o.String("name", "", "`name` of the run; the same name continues it (default: from dataset, method and settings)")
	return c, name
}

// request checks the settings of a run and names it. Equal settings give equal
// names, so that asking again for a run continues it.
func request(c schemas.Config, name, dataset string) (schemas.RunRequest, error) {
	if c.Epochs == 0 && c.Steps == 0 {
		c.Epochs = 20
	}
	if len(c.Settings) == 0 {
		c.Settings = nil
	}
	if err := checkChoices(c); err != nil {
		return schemas.RunRequest{}, usageError{err}
	}
	if name == "" {
		name = runName(c, dataset)
	}
	req := schemas.RunRequest{Run: name, Dataset: dataset, Config: c}
	if err := req.Validate(); err != nil {
		return req, usageError{err}
	}
	return req, nil
}

// checkChoices refuses unknown names before anything is started.
func checkChoices(c schemas.Config) error {
	if _, err := method.New(c.Method, c.Settings); err != nil {
		return err
	}
	if _, err := encoder.New(c.Encoder); err != nil {
		return err
	}
	_, err := optim.New(c.Optimizer, c.WeightDecay)
	return err
}

// notName is what cannot be part of a run's name.
var notName = regexp.MustCompile(`[^a-z0-9]+`)

func runName(c schemas.Config, dataset string) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("marshalling a config: " + err.Error()) // NaNs are refused by the flags' validation
	}
	sum := sha256.Sum256(append(text, dataset...))
	slug := strings.Trim(notName.ReplaceAllString(strings.ToLower(path.Base(dataset)), "-"), "-")
	if slug == "" {
		slug = "run"
	}
	return fmt.Sprintf("%s-%s-%s", slug[:min(len(slug), 40)], c.Method, hex.EncodeToString(sum[:3]))
}
