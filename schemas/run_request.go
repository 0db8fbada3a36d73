package schemas

import "math"

// RunRequest asks a trainer for a run. The same request twice is one run: a
// trainer that finds the run unfinished continues it.
type RunRequest struct {
	Run     string `json:"run"`     // its name; see CheckName
	Dataset string `json:"dataset"` // prefix in the bucket "datasets", without the slash
	Config  Config `json:"config"`

	// Version is what the dataset must be, as lower-case hex; see
	// bucket.Version. If it is anything else when the run begins, nothing is
	// trained: who asked will ask for the new one. Empty: as it is then.
	Version string `json:"version,omitempty"`
}

func (RunRequest) Type() string    { return "run_request.v1" }
func (RunRequest) Subject() string { return "runs.request" }

func (m RunRequest) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if err := checkKey("dataset", m.Dataset); err != nil {
		return err
	}
	if m.Version != "" && !sha256Digest.MatchString(m.Version) {
		return invalid("version: have %q, want a SHA-256 as 64 digits of lower-case hex", m.Version)
	}
	return m.Config.Validate()
}

// Config is everything that decides what a run computes, besides the images.
// Its JSON is kept with the run.
type Config struct {
	Method    string            `json:"method"`             // such as "simclr"
	Settings  map[string]string `json:"settings,omitempty"` // of the method; absent ones have the method's defaults
	Encoder   string            `json:"encoder"`            // such as "tiny"
	ImageSize int               `json:"image_size"`         // side of a view, in pixels
	Epochs    int               `json:"epochs,omitempty"`   // passes over the manifest; 0 if Steps decides
	Steps     int               `json:"steps,omitempty"`    // batches; 0 if Epochs decides
	Batch     int               `json:"batch,omitempty"`    // images a step; 0: the trainer chooses by the size of the dataset
	Seed      uint64            `json:"seed"`

	// Which of the dataset's images, drawn with Seed. They are the run's: probes
	// learn from all.
	LongTail float64 `json:"long_tail,omitempty"` // how many times more the first class has than the last, the others in between; 0: as they are
	Images   int     `json:"images,omitempty"`    // that many in all; 0: as many as there are

	Optimizer    string  `json:"optimizer"`            // such as "adamw"
	LearningRate float64 `json:"learning_rate"`        // at the top of the schedule
	BaseBatch    int     `json:"base_batch,omitempty"` // images that the learning rate is for; it is used times batch/base_batch. 0: as it is
	WeightDecay  float64 `json:"weight_decay"`
	Warmup       float64 `json:"warmup"`              // share of the steps, 0 to 1
	ClipNorm     float64 `json:"clip_norm,omitempty"` // largest norm of the gradient of all weights together; 0: any

	Precision     string  `json:"precision,omitempty"`      // BFloat16: of the factors of convolutions and linear layers; empty: float32
	Accumulate    int     `json:"accumulate,omitempty"`     // equal parts in which a batch goes through the network; 0 and 1: whole
	SnapshotEvery int     `json:"snapshot_every,omitempty"` // steps between snapshots; 0: the trainer chooses by the length of the run
	MaxHoles      int     `json:"max_holes"`                // broken images that a run bears before MaxHoleRate counts
	MaxHoleRate   float64 `json:"max_hole_rate"`            // share of broken images above which the run stops
}

// BFloat16 is the precision of that type, with float32 for all else.
const BFloat16 = "bfloat16"

// Validate checks what can be checked without knowing the methods and
// encoders there are. It wraps ErrInvalid.
func (c Config) Validate() error {
	switch {
	case c.Method == "":
		return invalid("method is empty")
	case c.Encoder == "":
		return invalid("encoder is empty")
	case c.ImageSize < 8 || c.ImageSize > 1024:
		return invalid("image size: have %d, want 8 to 1024", c.ImageSize)
	case (c.Epochs > 0) == (c.Steps > 0) || c.Epochs < 0 || c.Steps < 0:
		return invalid("epochs and steps: have %d and %d, want exactly one of them above 0", c.Epochs, c.Steps)
	case c.Batch < 0 || c.Batch == 1:
		return invalid("batch: have %d, want at least 2, or 0 to leave it to the trainer", c.Batch)
	case c.LongTail != 0 && !(c.LongTail >= 1) || math.IsInf(c.LongTail, 0):
		return invalid("long tail: have %g, want a ratio of at least 1, or 0 for the classes as they are", c.LongTail)
	case c.Images < 0:
		return invalid("images: have %d, want at least 0", c.Images)
	case c.Optimizer == "":
		return invalid("optimizer is empty")
	case !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0):
		return invalid("learning rate: have %g, want above 0", c.LearningRate)
	case !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0):
		return invalid("weight decay: have %g, want at least 0", c.WeightDecay)
	case !(c.Warmup >= 0 && c.Warmup <= 1):
		return invalid("warmup: have %g, want 0 to 1", c.Warmup)
	case c.BaseBatch < 0:
		return invalid("base batch: have %d, want at least 0", c.BaseBatch)
	case !(c.ClipNorm >= 0) || math.IsInf(c.ClipNorm, 0):
		return invalid("clip norm: have %g, want at least 0", c.ClipNorm)
	case c.Precision != "" && c.Precision != BFloat16:
		return invalid("precision: have %q, want %s, or none for float32", c.Precision, BFloat16)
	case c.Accumulate < 0:
		return invalid("accumulate: have %d, want at least 0", c.Accumulate)
	case c.Batch > 0 && c.Accumulate > 1 && (c.Batch%c.Accumulate != 0 || c.Batch == c.Accumulate):
		return invalid("accumulate: have %d parts of a batch of %d, want equal parts of at least 2 images", c.Accumulate, c.Batch)
	case c.SnapshotEvery < 0:
		return invalid("snapshot every: have %d, want at least 0", c.SnapshotEvery)
	case c.MaxHoles < 0:
		return invalid("max holes: have %d, want at least 0", c.MaxHoles)
	case !(c.MaxHoleRate >= 0 && c.MaxHoleRate <= 1):
		return invalid("max hole rate: have %g, want 0 to 1", c.MaxHoleRate)
	}
	return nil
}
