package main

import (
	"cmp"
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

// precision is that of a config, where float32 has no name.
type precision string

func (p *precision) String() string { return cmp.Or(string(*p), "float32") }

func (p *precision) Set(name string) error {
	*p = precision(name)
	switch name {
	case "float32":
		*p = ""
	case schemas.BFloat16:
	default:
		return fmt.Errorf("have %q, want float32 or %s", name, schemas.BFloat16)
	}
	return nil
}

// runFlags decide a run. What the method recommends is not known before they
// are parsed: see complete.
type runFlags struct {
	options *options
	config  schemas.Config
	name    string
}

func (o *options) runFlags() *runFlags {
	r := o.settingFlags()
	o.StringVar(&r.name, "name", "", "`name` of the run; the same name continues it (default: from dataset, method and settings)")
	return r
}

const defaultMethod = "simclr"

// settingFlags are all flags of a run but its name.
func (o *options) settingFlags() *runFlags {
	r := &runFlags{options: o, config: schemas.Config{Settings: settings{}}}
	c := &r.config
	o.StringVar(&c.Method, "method", defaultMethod, "`name` of the way to learn: "+strings.Join(method.Names(), ", "))
	o.Var(settings(c.Settings), "set", "a `key=value` setting of the method, such as temperature=0.5; may be repeated")
	o.StringVar(&c.Encoder, "encoder", "", "`name` of the network: "+strings.Join(encoder.Names(), ", "))
	o.IntVar(&c.ImageSize, "image-size", 0, "side of a view, in `pixels`")
	o.IntVar(&c.Epochs, "epochs", 0, "passes over the images")
	o.IntVar(&c.Steps, "steps", 0, "batches to train on, instead of --epochs")
	o.IntVar(&c.Batch, "batch", 0, "images in a batch; 0: as the method recommends, or fewer for a small dataset")
	o.Uint64Var(&c.Seed, "seed", 1, "decides everything that is drawn at random")
	o.Float64Var(&c.LongTail, "long-tail", 0, "`ratio`: train on a subset in which the first class has so many times more images than the last, and the others\n"+
		"lie between; the seed draws the order of the classes and their images. Probes learn from all images. 0: all images")
	o.IntVar(&c.Images, "images", 0, "train on that many images, drawn by the seed; 0: as many as there are")
	o.StringVar(&c.Optimizer, "optimizer", "", "`name` of the optimiser: "+strings.Join(optim.Names(), ", "))
	o.Float64Var(&c.LearningRate, "learning-rate", 0, "at the top of its schedule")
	o.IntVar(&c.BaseBatch, "base-batch", 0, "`images` that the learning rate is for: it is used times batch/base-batch; 0: as it is")
	o.Float64Var(&c.WeightDecay, "weight-decay", 0, "of the weights; biases and norms have none")
	o.Float64Var(&c.Warmup, "warmup", 0, "share of the steps in which the learning rate rises")
	o.Float64Var(&c.ClipNorm, "clip-norm", 0, "largest `norm` of the gradient of all weights together, which is scaled down to it; 0: any")
	o.Var((*precision)(&c.Precision), "precision", "`type` of the factors of convolutions and linear layers: float32 or bfloat16, which GPUs are faster with.\n"+
		"Weights, normalisation and losses are float32 with both")
	o.IntVar(&c.Accumulate, "accumulate", 1, "equal `parts` in which a batch goes through the network, to need less memory; each is normalised by itself.\n"+
		"Not for methods that compare the images of a batch")
	o.IntVar(&c.SnapshotEvery, "snapshot-every", 0, "steps between snapshots; 0: five in all, at most 1000 steps apart")
	o.IntVar(&c.MaxHoles, "max-holes", 100, "broken images that are borne, whatever their share")
	o.Float64Var(&c.MaxHoleRate, "max-hole-rate", 0.1, "share of broken images that is borne, however many")
	for _, f := range recommended(method.Training{}) {
		o.Lookup(f.name).DefValue = "the method's, below"
	}
	o.more = methodHelp
	return r
}

// request checks the settings of a run and names it. Equal settings give equal
// names, so that asking again for a run continues it.
func (r *runFlags) request(dataset string) (schemas.RunRequest, error) {
	return r.requestFor(dataset, "")
}

// requestFor is request for a version of the dataset, which is in the name then.
func (r *runFlags) requestFor(dataset, version string) (schemas.RunRequest, error) {
	m, err := r.complete()
	if err != nil {
		return schemas.RunRequest{}, err
	}
	req := schemas.RunRequest{Run: r.name, Dataset: dataset, Version: version, Config: r.config}
	if err := checkChoices(m, req.Config); err != nil {
		return req, usageError{err}
	}
	if err := req.Config.Validate(); err != nil {
		return req, usageError{err}
	}
	if req.Run == "" {
		req.Run = runName(req)
	}
	if err := req.Validate(); err != nil {
		return req, usageError{err}
	}
	return req, nil
}

// checkChoices refuses unknown names, and what the method cannot do, before
// anything is started.
func checkChoices(m method.Method, c schemas.Config) error {
	if err := method.CheckParts(m, c.Accumulate); err != nil {
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

func runName(r schemas.RunRequest) string {
	text, err := json.Marshal(r.Config)
	if err != nil {
		panic("marshalling a config: " + err.Error()) // a valid one has no NaNs
	}
	sum := sha256.Sum256(append(text, r.Dataset+r.Version...))
	slug := strings.Trim(notName.ReplaceAllString(strings.ToLower(path.Base(r.Dataset)), "-"), "-")
	if slug == "" {
		slug = "run"
	}
	return fmt.Sprintf("%s-%s-%s", slug[:min(len(slug), 40)], r.Config.Method, hex.EncodeToString(sum[:3]))
}
