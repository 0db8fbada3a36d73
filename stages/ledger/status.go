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
}
