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
	Evaluator  *Evaluator `json:"evaluator,omitempty"` // not told by the trainer
}

// Augmenters are those of a run, all together, as its trainer hears of them.
// The shares are of the time of all their workers.
type Augmenters struct {
	ImagesPerSecond float64 `json:"images_per_second"`            // that came, repeats included
	WorkerPerSecond float64 `json:"images_per_worker_per_second"` // of one busy worker; 0: not known
	Workers         float64 `json:"workers"`                      // that there were, on average
	Busy            float64 `json:"workers_busy"`                 // of them
	Wanted          float64 `json:"workers_wanted"`               // would keep the trainer busy; 0: not known
	SplitWaitShare  float64 `json:"split_wait_share"`             // for splits, as the trainer or the credit asks for no more
	FileWaitShare   float64 `json:"file_wait_share"`              // for the S3
	RenderShare     float64 `json:"render_share"`                 // decoding, and making views
	PublishShare    float64 `json:"publish_wait_share"`           // for NATS to have the samples
	Retries         int     `json:"retries"`                      // splits issued again
	Holes           int     `json:"holes"`
}

// Feed is what lies between the augmenters and the trainer.
type Feed struct {
	SplitsOut     int   `json:"splits_out"`     // issued and not yet trained on
	BufferedBytes int64 `json:"buffered_bytes"` // of samples that wait for their turn
	CreditBytes   int64 `json:"credit_bytes"`   // that may wait or be on their way
	Refused       int   `json:"refused"`        // messages
}

// Trainer is the training itself. The shares are of its time.
type Trainer struct {
	ImagesPerSecond float64 `json:"images_per_second"`
	WaitShare       float64 `json:"wait_share"` // for samples
	StepShare       float64 `json:"step_share"`
	SnapshotShare   float64 `json:"snapshot_share"` // for the S3 to have them
	Retries         int64   `json:"retries"`        // of messages that it published, or got, more than once
}

// Evaluator are all evaluators of a run together, in all starts.
type Evaluator struct {
	Probed             int     `json:"snapshots_probed"`
	Waiting            int     `json:"snapshots_waiting"` // for an evaluator
	Skipped            int     `json:"snapshots_skipped"`
	SecondsPerSnapshot float64 `json:"seconds_per_snapshot"`
	BusyShare          float64 `json:"busy_share"` // of the time that the run took so far
}
