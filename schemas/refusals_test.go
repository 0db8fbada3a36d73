package schemas_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/schemas/safetensors"
)

// refusal is a change to a golden message that makes it invalid.
type refusal struct {
	name, want string // what the error says
	change     func(schemas.Message)
	only       bool // Validate sees it, JSON Schema has no words for it
}

func refuse[M any](name, want string, change func(*M)) refusal {
	return refusal{name: name, want: want, change: func(m schemas.Message) { change(any(m).(*M)) }}
}

func (r refusal) beyondSchema() refusal { r.only = true; return r }

var refusals = map[string][]refusal{
	"run_request.v1": {
		refuse("run", `name "A B"`, func(m *schemas.RunRequest) { m.Run = "A B" }),
		refuse("no dataset", "dataset: have \"\"", func(m *schemas.RunRequest) { m.Dataset = "" }),
		refuse("dataset with a slash", `dataset: have "a/"`, func(m *schemas.RunRequest) { m.Dataset = "a/" }),
		refuse("version", `version: have "V1"`, func(m *schemas.RunRequest) { m.Version = "V1" }),
		refuse("dataset not UTF-8", "want UTF-8", func(m *schemas.RunRequest) { m.Dataset = "\xff" }).beyondSchema(),
		refuse("method", "method is empty", func(m *schemas.RunRequest) { m.Config.Method = "" }),
		refuse("encoder", "encoder is empty", func(m *schemas.RunRequest) { m.Config.Encoder = "" }),
		refuse("small images", "image size: have 7", func(m *schemas.RunRequest) { m.Config.ImageSize = 7 }),
		refuse("large images", "image size: have 1025", func(m *schemas.RunRequest) { m.Config.ImageSize = 1025 }),
		refuse("no end", "epochs and steps: have 0 and 0", func(m *schemas.RunRequest) { m.Config.Epochs = 0 }),
		refuse("two ends", "epochs and steps: have 20 and 1", func(m *schemas.RunRequest) { m.Config.Steps = 1 }),
		refuse("negative end", "epochs and steps: have -1 and 1", func(m *schemas.RunRequest) { m.Config.Epochs, m.Config.Steps = -1, 1 }),
		refuse("batch of one", "batch: have 1", func(m *schemas.RunRequest) { m.Config.Batch = 1 }),
		refuse("negative batch", "batch: have -2", func(m *schemas.RunRequest) { m.Config.Batch = -2 }),
		refuse("tail the wrong way round", "long tail: have 0.1", func(m *schemas.RunRequest) { m.Config.LongTail = 0.1 }),
		refuse("endless tail", "long tail: have +Inf", func(m *schemas.RunRequest) { m.Config.LongTail = math.Inf(1) }).beyondSchema(),
		refuse("negative images", "images: have -1", func(m *schemas.RunRequest) { m.Config.Images = -1 }),
		refuse("optimizer", "optimizer is empty", func(m *schemas.RunRequest) { m.Config.Optimizer = "" }),
		refuse("learning rate", "learning rate: have 0", func(m *schemas.RunRequest) { m.Config.LearningRate = 0 }),
		refuse("endless learning rate", "learning rate: have +Inf", func(m *schemas.RunRequest) { m.Config.LearningRate = math.Inf(1) }).beyondSchema(),
		refuse("weight decay", "weight decay: have -1", func(m *schemas.RunRequest) { m.Config.WeightDecay = -1 }),
		refuse("weight decay of NaN", "weight decay: have NaN", func(m *schemas.RunRequest) { m.Config.WeightDecay = math.NaN() }).beyondSchema(),
		refuse("warmup", "warmup: have 1.5", func(m *schemas.RunRequest) { m.Config.Warmup = 1.5 }),
		refuse("base batch", "base batch: have -1", func(m *schemas.RunRequest) { m.Config.BaseBatch = -1 }),
		refuse("clip norm", "clip norm: have -1", func(m *schemas.RunRequest) { m.Config.ClipNorm = -1 }),
		refuse("clip norm of NaN", "clip norm: have NaN", func(m *schemas.RunRequest) { m.Config.ClipNorm = math.NaN() }).beyondSchema(),
		refuse("precision", "precision: have \"float16\", want bfloat16", func(m *schemas.RunRequest) { m.Config.Precision = "float16" }),
		refuse("accumulate", "accumulate: have -1", func(m *schemas.RunRequest) { m.Config.Accumulate = -1 }),
		refuse("unequal parts", "accumulate: have 3 parts of a batch of 128", func(m *schemas.RunRequest) { m.Config.Accumulate = 3 }).beyondSchema(),
		refuse("parts of one image", "accumulate: have 128 parts", func(m *schemas.RunRequest) { m.Config.Accumulate = 128 }).beyondSchema(),
		refuse("snapshots", "snapshot every: have -1", func(m *schemas.RunRequest) { m.Config.SnapshotEvery = -1 }),
		refuse("holes", "max holes: have -1", func(m *schemas.RunRequest) { m.Config.MaxHoles = -1 }),
		refuse("hole rate", "max hole rate: have 2", func(m *schemas.RunRequest) { m.Config.MaxHoleRate = 2 }),
	},
	"split.v1": {
		refuse("run", "name", func(m *schemas.Split) { m.Run = "" }),
		refuse("epoch", "epoch and index: have -1 and 14", func(m *schemas.Split) { m.Epoch = -1 }),
		refuse("index", "epoch and index: have 3 and -1", func(m *schemas.Split) { m.Index = -1 }),
		refuse("no images", "split has no images", func(m *schemas.Split) { m.Images = nil }),
		refuse("more samples than a message holds", "its samples would have 9437184 bytes, want at most 7340032", func(m *schemas.Split) {
			v := m.Recipe.Views[0]
			v.Size = 1024
			m.Recipe.Views = []schemas.View{v, v, v}
			m.Images = m.Images[:1]
		}).beyondSchema(),
		refuse("image twice", "image 2: comes twice", func(m *schemas.Split) { m.Images[1].ID = 2 }).beyondSchema(),
		refuse("negative id", "image -1", func(m *schemas.Split) { m.Images[0].ID = -1 }),
		refuse("negative size", "size -1", func(m *schemas.Split) { m.Images[0].Size = -1 }),
		refuse("label", "label -2", func(m *schemas.Split) { m.Images[0].Label = -2 }),
		refuse("no key", `image: have ""`, func(m *schemas.Split) { m.Images[0].Key = "" }),
		refuse("folder", `image: have "a/"`, func(m *schemas.Split) { m.Images[0].Key = "a/" }),
		refuse("key not UTF-8", `image: have "a\xff"`, func(m *schemas.Split) { m.Images[0].Key = "a\xff" }).beyondSchema(),
		refuse("tar beyond the key", `have 99 bytes of the tar's key`, func(m *schemas.Split) { m.Images[0].Tar, m.Images[0].Offset = 99, 512 }).beyondSchema(),
		refuse("tar within a name", `have 1 bytes of the tar's key`, func(m *schemas.Split) { m.Images[0].Tar, m.Images[0].Offset = 1, 512 }).beyondSchema(),
		refuse("tar of negative length", `have -1 bytes of the tar's key`, func(m *schemas.Split) { m.Images[0].Tar, m.Images[0].Offset = -1, 512 }),
		refuse("tar without an offset", "and offset 0", func(m *schemas.Split) { m.Images[0].Key, m.Images[0].Tar = "d/a.tar/b.jpg", 7 }).beyondSchema(),
		refuse("offset without a tar", "and offset 512", func(m *schemas.Split) { m.Images[0].Offset = 512 }).beyondSchema(),
		refuse("no recipe", "have 0 of views, pair and jigsaw, want exactly one", func(m *schemas.Split) { m.Recipe = schemas.Recipe{} }),
		refuse("two recipes", "have 2 of views, pair and jigsaw", func(m *schemas.Split) { m.Recipe.Pair = &schemas.Pair{Size: 8, Crop: square} }),
		refuse("many views", "have 65 views", func(m *schemas.Split) {
			for len(m.Recipe.Views) <= schemas.MaxViews {
				m.Recipe.Views = append(m.Recipe.Views, m.Recipe.Views[0])
			}
		}),
		refuseView("no size", "invalid message: view 0: size: have 0", func(v *schemas.View) { v.Size = 0 }),
		refuseView("large", "size: have 1025", func(v *schemas.View) { v.Size = 1025 }),
		refuseView("empty crop", "crop scale: have 0 to 1", func(v *schemas.View) { v.Crop.ScaleMin = 0 }),
		refuseView("crop beyond the image", "crop scale: have 0.2 to 1.5", func(v *schemas.View) { v.Crop.ScaleMax = 1.5 }),
		refuseView("crop backwards", "crop scale: have 0.9 to 0.5", func(v *schemas.View) { v.Crop.ScaleMin, v.Crop.ScaleMax = 0.9, 0.5 }).beyondSchema(),
		refuseView("no ratio", "crop ratio: have 0 to 1.25", func(v *schemas.View) { v.Crop.RatioMin = 0 }),
		refuseView("ratio backwards", "crop ratio: have 2 to 1.25", func(v *schemas.View) { v.Crop.RatioMin = 2 }).beyondSchema(),
		refuseView("endless ratio", "crop ratio", func(v *schemas.View) { v.Crop.RatioMax = math.Inf(1) }).beyondSchema(),
		refuseView("flip", "flip: have probability 2", func(v *schemas.View) { v.Flip = 2 }),
		refuseView("flip of NaN", "flip: have probability NaN", func(v *schemas.View) { v.Flip = math.NaN() }).beyondSchema(),
		refuseView("jitter", "jitter: have probability -1", func(v *schemas.View) { v.Jitter.P = -1 }),
		refuseView("brightness", "brightness: have 17", func(v *schemas.View) { v.Jitter.Brightness = 17 }),
		refuseView("contrast", "contrast: have -1", func(v *schemas.View) { v.Jitter.Contrast = -1 }),
		refuseView("saturation", "saturation: have -1", func(v *schemas.View) { v.Jitter.Saturation = -1 }),
		refuseView("hue", "hue: have 0.6", func(v *schemas.View) { v.Jitter.Hue = 0.6 }),
		refuseView("gray", "gray: have probability 2", func(v *schemas.View) { v.Gray = 2 }),
		refuseView("blur", "blur: have probability 2", func(v *schemas.View) { v.Blur.P = 2 }),
		refuseView("wide blur", "blur sigma: have 0.1 to 65", func(v *schemas.View) { v.Blur.SigmaMax = 65 }),
		refuseView("blur backwards", "blur sigma: have 3 to 2", func(v *schemas.View) { v.Blur.SigmaMin = 3 }).beyondSchema(),
		refuseView("no blur", "have a minimum of 0", func(v *schemas.View) { v.Blur.SigmaMin = 0 }).beyondSchema(),
		refuseView("solarize", "solarize: have probability 2", func(v *schemas.View) { v.Solarize.P = 2 }),
		refuseView("threshold", "solarize threshold: have 257", func(v *schemas.View) { v.Solarize.Threshold = 257 }),
	},
	"split.v1.pair": {
		refusePair("no size", "invalid message: pair: size: have 0", func(p *schemas.Pair) { p.Size = 0 }),
		refusePair("large", "size: have 1025", func(p *schemas.Pair) { p.Size = 1025 }),
		refusePair("gap", "gap: have -1", func(p *schemas.Pair) { p.Gap = -1 }),
		refusePair("endless gap", "gap: have 9223372036854775807", func(p *schemas.Pair) { p.Gap = math.MaxInt }),
		refusePair("jitter", "jitter: have -1", func(p *schemas.Pair) { p.Jitter = -1 }),
		refusePair("endless jitter", "jitter: have 9223372036854775807", func(p *schemas.Pair) { p.Jitter = math.MaxInt }),
		refusePair("margin", "margin: have -1", func(p *schemas.Pair) { p.Margin = -1 }),
		refusePair("endless margin", "margin: have 9223372036854775807", func(p *schemas.Pair) { p.Margin = math.MaxInt }),
		refusePair("swapped grid", "swap: have probability 0.5 for all patches of a grid", func(p *schemas.Pair) { p.Grid = true }).beyondSchema(),
		refusePair("large grid", "have a side of 5102", func(p *schemas.Pair) { p.Gap = 2400 }).beyondSchema(),
		refusePair("crop", "crop scale: have 0 to 1", func(p *schemas.Pair) { p.Crop.ScaleMin = 0 }),
		refusePair("flip", "flip: have probability 2", func(p *schemas.Pair) { p.Flip = 2 }),
		refusePair("swap", "swap: have probability -1", func(p *schemas.Pair) { p.Swap = -1 }),
		refusePair("swap of NaN", "swap: have probability NaN", func(p *schemas.Pair) { p.Swap = math.NaN() }).beyondSchema(),
		refusePair("gray", "gray: have probability 2", func(p *schemas.Pair) { p.Gray = 2 }),
		refusePair("project", "project: have probability 2", func(p *schemas.Pair) { p.Project = 2 }),
		refusePair("resample", "resample: have probability 2", func(p *schemas.Pair) { p.Resample.P = 2 }),
		refusePair("resample to nothing", "resample min size: have 0, want above 0", func(p *schemas.Pair) { p.Resample.MinSize = 0 }).beyondSchema(),
		refusePair("resample to less", "resample min size: have -1", func(p *schemas.Pair) { p.Resample.MinSize = -1 }),
		refusePair("resample to more", "resample min size: have 96, want 0 to 95", func(p *schemas.Pair) { p.Resample.MinSize = 96 }).beyondSchema(),
		refusePair("drop", "drop: have probability 2", func(p *schemas.Pair) { p.Drop = 2 }),
	},
	"split.v1.jigsaw": {
		refuseJigsaw("no size", "invalid message: jigsaw: size: have 0", func(j *schemas.Jigsaw) { j.Size = 0 }),
		refuseJigsaw("tile larger than its cell", "cell: have 63, want 64 to 1365", func(j *schemas.Jigsaw) { j.Cell = 63 }).beyondSchema(),
		refuseJigsaw("large grid", "cell: have 1366, want 64 to 1365", func(j *schemas.Jigsaw) { j.Cell = 1366 }),
		refuseJigsaw("endless cell", "cell: have 9223372036854775807", func(j *schemas.Jigsaw) { j.Cell = math.MaxInt }),
		refuseJigsaw("margin", "margin: have -1", func(j *schemas.Jigsaw) { j.Margin = -1 }),
		refuseJigsaw("endless margin", "margin: have 9223372036854775807", func(j *schemas.Jigsaw) { j.Margin = math.MaxInt }),
		refuseJigsaw("large margin", "grid: have a side of 4255", func(j *schemas.Jigsaw) { j.Margin = 2000 }).beyondSchema(),
		refuseJigsaw("shift", "shift: have -1", func(j *schemas.Jigsaw) { j.Shift = -1 }),
		refuseJigsaw("shift out of the cell", "shift: have 22, want 0 to 21", func(j *schemas.Jigsaw) { j.Shift = 22 }).beyondSchema(),
		refuseJigsaw("crop", "crop ratio: have 0 to 1", func(j *schemas.Jigsaw) { j.Crop.RatioMin = 0 }),
		refuseJigsaw("flip", "flip: have probability 2", func(j *schemas.Jigsaw) { j.Flip = 2 }),
		refuseJigsaw("gray", "gray: have probability 2", func(j *schemas.Jigsaw) { j.Gray = 2 }),
		refuseJigsaw("project", "project: have probability 2", func(j *schemas.Jigsaw) { j.Project = 2 }),
		refuseJigsaw("no permutations", "permutations: have 0", func(j *schemas.Jigsaw) { j.Permutations = nil }),
		refuseJigsaw("many permutations", "permutations: have 10001, want 1 to 10000", func(j *schemas.Jigsaw) { j.Permutations = make([]schemas.Permutation, 10_001) }),
		refuseJigsaw("permutation twice", "permutation 1: 012345678 comes twice", func(j *schemas.Jigsaw) { j.Permutations[1] = j.Permutations[0] }),
		refuseJigsaw("tile twice", "permutation 1: have 081203657, want each of 0 to 8 once", func(j *schemas.Jigsaw) { j.Permutations[1][0] = 0 }).beyondSchema(),
		refuseJigsaw("tenth tile", "permutation 1: have 981203657, want", func(j *schemas.Jigsaw) { j.Permutations[1][0] = 9 }),
	},
	"samples.v1.answers": {
		refuse("answers", "answers: have 1 for 2 images", func(m *schemas.Samples) { m.Answers = m.Answers[:1] }),
		refuse("answer", "image 0: have answer -1, want at least 0", func(m *schemas.Samples) { m.Answers[1] = -1 }),
	},
	"samples.v1": {
		refuse("run", "name", func(m *schemas.Samples) { m.Run = "" }),
		refuse("epoch", "epoch and index: have -1 and 14", func(m *schemas.Samples) { m.Epoch = -1 }),
		refuse("fingerprint", "fingerprint is empty", func(m *schemas.Samples) { m.Fingerprint = "" }),
		refuse("nothing", "neither images nor holes", func(m *schemas.Samples) { *m = schemas.Samples{Run: "a", Fingerprint: "f", Views: m.Views} }),
		refuse("labels", "labels: have 1 for 2 images", func(m *schemas.Samples) { m.Labels = m.Labels[:1] }),
		refuse("label", "image 0: have label -2", func(m *schemas.Samples) { m.Labels[1] = -2 }),
		refuse("no views", "views: have 0", func(m *schemas.Samples) { m.Views = nil }),
		refuse("many views", "views: have 65", func(m *schemas.Samples) { m.Views = make([]schemas.Pixels, 65) }),
		refuse("size", "view 0: have size 0", func(m *schemas.Samples) { m.Views[0].Size = 0 }),
		refuse("missing pixels", "view 0: have 23 bytes, want 24 for 2 images of 2×2", func(m *schemas.Samples) { m.Views[0].Data = m.Views[0].Data[1:] }),
		refuse("image twice", "image 2: comes twice", func(m *schemas.Samples) { m.IDs[1] = 2 }),
		refuse("negative id", "image -1", func(m *schemas.Samples) { m.IDs[1] = -1 }),
		refuse("image and hole", "image 0: comes twice", func(m *schemas.Samples) { m.Holes[0].ID = 0 }),
		refuse("hole without a key", `hole 1: have key ""`, func(m *schemas.Samples) { m.Holes[0].Key = "" }),
		refuse("hole without a reason", `reason ""`, func(m *schemas.Samples) { m.Holes[0].Reason = "" }),
	},
	"reject.v1": {
		refuse("run", "name", func(m *schemas.Reject) { m.Run = "" }),
		refuse("id", "id -1", func(m *schemas.Reject) { m.ID = -1 }),
		refuse("key", `key: have ""`, func(m *schemas.Reject) { m.Key = "" }),
		refuse("reason", `reason ""`, func(m *schemas.Reject) { m.Reason = "" }),
	},
	"metric.v1": {
		refuse("run", "name", func(m *schemas.Metric) { m.Run = "" }),
		refuse("step", "step: have -1 of 380", func(m *schemas.Metric) { m.Step = -1 }),
		refuse("steps", "step: have 20 of -1", func(m *schemas.Metric) { m.Steps = -1 }),
		refuse("loss of NaN", "loss: have NaN", func(m *schemas.Metric) { m.Loss = math.NaN() }).beyondSchema(),
	},
	"snapshot.v1": {
		refuse("run", "name", func(m *schemas.Snapshot) { m.Run = "" }),
		refuse("step", "step: have -1", func(m *schemas.Snapshot) { m.Step = -1 }),
		refuse("prefix", `prefix: have "a/"`, func(m *schemas.Snapshot) { m.Prefix = "a/" }),
		refuse("no digest", `digest: have ""`, func(m *schemas.Snapshot) { m.BatchesSHA256 = "" }),
		refuse("digest in capitals", "lower-case hex", func(m *schemas.Snapshot) { m.WeightsSHA256 = strings.ToUpper(m.WeightsSHA256) }),
	},
	"report.v1": {
		refuse("run", "name", func(m *schemas.Report) { m.Run = "" }),
		refuse("step", "step -1", func(m *schemas.Report) { m.Step = -1 }),
		refuse("probe", `probe ""`, func(m *schemas.Report) { m.Probe = "" }),
		refuse("images", "-1 and 600 images", func(m *schemas.Report) { m.Train = -1 }),
		refuse("value", "value: have +Inf", func(m *schemas.Report) { m.Value = math.Inf(1) }).beyondSchema(),
		refuse("another value", "top5: have NaN", func(m *schemas.Report) { m.Values["top5"] = math.NaN() }).beyondSchema(),
		refuse("labels", "1.5 of the labels", func(m *schemas.Report) { m.Labels = 1.5 }),
		refuse("repeat", "repeat: have NaN", func(m *schemas.Report) { m.Repeats[1] = math.NaN() }).beyondSchema(),
		refuse("stage", "a stage has no name", func(m *schemas.Report) { m.Stages[0].Stage = "" }),
		refuse("value of a stage", "stage layer4: invalid message: value: have NaN", func(m *schemas.Report) { m.Stages[1].Value = math.NaN() }).beyondSchema(),
		refuse("held out", "stage layer3: invalid message: held out: have +Inf", func(m *schemas.Report) { m.Stages[0].HeldOut = math.Inf(1) }).beyondSchema(),
		refuse("seconds", "-1 seconds", func(m *schemas.Report) { m.Seconds = -1 }),
	},
	"pulse.v1": {
		refuse("name", `name ""`, func(m *schemas.Pulse) { m.Name = "" }),
		refuse("run", "name", func(m *schemas.Pulse) { m.Run = "A b" }),
		refuse("workers", "0 workers", func(m *schemas.Pulse) { m.Workers = 0 }),
		refuse("images", "-1 images", func(m *schemas.Pulse) { m.Images = -1 }),
		refuse("holes", "-1 holes", func(m *schemas.Pulse) { m.Holes = -1 }),
		refuse("seconds", "seconds: have NaN", func(m *schemas.Pulse) { m.Rendering = math.NaN() }).beyondSchema(),
	},
}

func refuseView(name, want string, change func(*schemas.View)) refusal {
	return refuse("view/"+name, want, func(m *schemas.Split) { change(&m.Recipe.Views[0]) })
}

func refusePair(name, want string, change func(*schemas.Pair)) refusal {
	return refuse(name, want, func(m *schemas.Split) { change(m.Recipe.Pair) })
}

func refuseJigsaw(name, want string, change func(*schemas.Jigsaw)) refusal {
	return refuse(name, want, func(m *schemas.Split) { change(m.Recipe.Jigsaw) })
}

// TestRefusals: each change is refused by Validate, by Encode, by Decode and,
// if it has words for it, by the message's JSON Schema.
func TestRefusals(t *testing.T) {
	for _, k := range examples {
		body, err := os.ReadFile(k.golden())
		if err != nil {
			t.Fatal(err)
		}
		schema := compile(t, k.message)
		for _, r := range refusals[k.name()] {
			t.Run(k.name()+"/"+r.name, func(t *testing.T) {
				m := k.empty()
				if err := schemas.Decode(header(m), body, m); err != nil {
					t.Fatal(err)
				}
				r.change(m)
				err := m.Validate()
				if !errors.Is(err, schemas.ErrInvalid) || !strings.Contains(err.Error(), r.want) {
					t.Errorf("validating: have error %v, want %q", err, r.want)
				}
				if _, err := schemas.Encode(m); !errors.Is(err, schemas.ErrInvalid) {
					t.Errorf("encoding: have error %v, want ErrInvalid", err)
				}
				if r.only || m.Type() == (schemas.Samples{}).Type() { // see TestSamplesRefuse
					return
				}
				broken, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				if err := schemas.Decode(header(m), broken, k.empty()); !errors.Is(err, schemas.ErrInvalid) {
					t.Errorf("decoding %s: have error %v, want ErrInvalid", broken, err)
				}
				if err := validate(t, schema, broken); err == nil {
					t.Errorf("the schema takes %s", broken)
				}
			})
		}
	}
}

// TestSamplesRefuse changes the file behind a message, as Encode would not.
func TestSamplesRefuse(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden/samples.v1.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, schemas.Samples{})
	type file = safetensors.File
	for _, tc := range []struct {
		name, want string
		change     func(*file)
		only       bool // as in refusal
	}{
		{"no metadata", "epoch", func(f *file) { f.Metadata = nil }, false},
		{"run", "name", func(f *file) { f.Metadata["run"] = "A" }, false},
		{"epoch", `epoch: have "three"`, func(f *file) { f.Metadata["epoch"] = "three" }, false},
		{"index", `index: have "1.5"`, func(f *file) { f.Metadata["index"] = "1.5" }, false},
		{"negative index", "epoch and index", func(f *file) { f.Metadata["index"] = "-1" }, false},
		{"fingerprint", "fingerprint is empty", func(f *file) { delete(f.Metadata, "fingerprint") }, false},
		{"holes", "holes: ", func(f *file) { f.Metadata["holes"] = "none" }, true},
		{"holes missing", "holes: ", func(f *file) { delete(f.Metadata, "holes") }, false},
		{"no ids", "want ids and labels", func(f *file) { f.Tensors = f.Tensors[1:] }, false},
		{"no labels", "want ids and labels", func(f *file) { f.Tensors[1].Name = "label" }, false},
		{"ids of 32 bits", "have dtype I32, want I64", func(f *file) {
			f.Tensors[0] = safetensors.FromInt32s("ids", []int{2}, []int32{2, 0})
		}, false},
		{"labels of 64 bits", "have dtype I64, want I32", func(f *file) {
			f.Tensors[1] = safetensors.FromInt64s("labels", []int{2}, []int64{2, 0})
		}, false},
		{"ids in a column", "have shapes [2 1] and [2]", func(f *file) { f.Tensors[0].Shape = []int{2, 1} }, false},
		{"a label too many", "have shapes [2] and [3]", func(f *file) {
			f.Tensors[1] = safetensors.FromInt32s("labels", []int{3}, []int32{1, 2, 3})
		}, true},
		{"answers of 64 bits", "have dtype I64, want I32", func(f *file) {
			f.Tensors = append(f.Tensors, safetensors.FromInt64s("answers", []int{2}, []int64{2, 0}))
		}, false},
		{"answers in a column", "answers: have shape [2 1], want [2]", func(f *file) {
			f.Tensors = append(f.Tensors, safetensors.FromInt32s("answers", []int{2, 1}, []int32{2, 0}))
		}, false},
		{"an answer too many", "answers: have shape [3], want [2]", func(f *file) {
			f.Tensors = append(f.Tensors, safetensors.FromInt32s("answers", []int{3}, []int32{2, 0, 1}))
		}, true},
		{"no view", "views: have 0", func(f *file) { f.Tensors = f.Tensors[:2] }, false},
		{"missing view", "have 1 besides ids, labels, answers and 1 views", func(f *file) { f.Tensors[3].Name = "view2" }, true},
		{"unknown tensor", "have 1 besides ids, labels, answers and 1 views", func(f *file) { f.Tensors[3].Name = "mask" }, false},
		{"view in a row", `tensor "view0": have U8 [24], want U8 [2, S, S, 3]`, func(f *file) { f.Tensors[2].Shape = []int{24} }, false},
		{"view not square", "have U8 [2 1 4 3]", func(f *file) { f.Tensors[2].Shape = []int{2, 1, 4, 3} }, true},
		{"view of another count", "have U8 [8 1 1 3]", func(f *file) { f.Tensors[2].Shape = []int{8, 1, 1, 3} }, true},
		{"grey view", "have U8 [2 2 6 1]", func(f *file) { f.Tensors[2].Shape = []int{2, 2, 6, 1} }, false},
		{"signed view", "have I8", func(f *file) { f.Tensors[2].DType = "I8" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := safetensors.Parse(golden)
			if err != nil {
				t.Fatal(err)
			}
			tc.change(f)
			body, err := f.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			var m schemas.Samples
			err = schemas.Decode(header(m), body, &m)
			if !errors.Is(err, schemas.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %v, want %q", err, tc.want)
			}
			if tc.only {
				return
			}
			if err := validate(t, schema, jsonOf(m, body)); err == nil {
				t.Errorf("the schema takes %s", jsonOf(m, body))
			}
		})
	}
}
