package ledger

import "time"

// What a run is doing.
const (
	Running  = "running"  // a trainer works on it, or was killed at it
	Stopped  = "stopped"  // its trainer was told to stop; it continues when asked for again
	Finished = "finished" // it has trained all of its steps
	Failed   = "failed"   // it cannot go on; Status.Error says why
)

// Status is how far a run is. The trainer writes it when the run starts, at
// every snapshot and when the run ends.
type Status struct {
	Run     string    `json:"run"`
	State   string    `json:"state"`
	Error   string    `json:"error,omitempty"`
	Started time.Time `json:"started"`
	Updated time.Time `json:"updated"`
	Seconds float64   `json:"seconds"` // at work, all of its starts together

	Images int     `json:"images"` // of the manifest
	Step   int     `json:"step"`
	Steps  int     `json:"steps"` // planned
	Epoch  float64 `json:"epoch"` // passes over the manifest
	Loss   float64 `json:"loss"`

	SamplesTrained int64  `json:"samples_trained"`
	Rejected       int    `json:"rejected"` // distinct images that could not be used
	BatchesSHA256  string `json:"batches_sha256"`
	WeightsSHA256  string `json:"weights_sha256"`
	Backend        string `json:"backend"`
	Fingerprint    string `json:"fingerprint"` // of the augmenters that the run trusts

	Warnings []string `json:"warnings,omitempty"`

	Stages *Stages `json:"stages,omitempty"`
}

// Stages are how the stages of a run do, on average since the trainer last took
// it up.
type Stages struct {
	Augmenters Augmenters `json:"augmenters"`
	Feed       Feed       `json:"feed"`
	Trainer    Trainer    `json:"trainer"`
}

// Augmenters are those of a run, all together, as its trainer sees them.
type Augmenters struct {
	ImagesPerSecond float64 `json:"images_per_second"`            // that came, repeats included
	WorkerPerSecond float64 `json:"images_per_worker_per_second"` // of one busy worker; 0: not known
	Busy            float64 `json:"workers_busy"`
	Wanted          float64 `json:"workers_wanted"` // would keep the trainer busy; 0: not known
	Holes           int     `json:"holes"`
}

// Feed is what lies between the augmenters and the trainer.
type Feed struct {
	SplitsOut     int   `json:"splits_out"`     // issued and not yet trained on
	BufferedBytes int64 `json:"buffered_bytes"` // of samples that wait for their turn
	CreditBytes   int64 `json:"credit_bytes"`   // that may wait or be on their way
	Reissued      int   `json:"reissued"`
	Refused       int   `json:"refused"`
}

// Trainer is the training itself. What is left of its time went into steps.
type Trainer struct {
	ImagesPerSecond float64 `json:"images_per_second"`
	WaitShare       float64 `json:"wait_share"`     // of its time, for samples
	SnapshotShare   float64 `json:"snapshot_share"` // of its time
}
