// Package history turns the documents that are kept of a run into what people
// want to know of it: how far it came, how it went there, and how good its
// features are.
package history

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

// Summary is what is worth knowing of a run, for people and as JSON.
type Summary struct {
	Run     string         `json:"run"`
	Method  string         `json:"method"`
	Dataset string         `json:"dataset"`
	State   string         `json:"state"`
	Error   string         `json:"error,omitempty"`
	Config  schemas.Config `json:"config"`

	Images         int     `json:"images"`
	Epochs         float64 `json:"epochs"` // passes made
	Steps          int     `json:"steps"`  // made
	StepsPlanned   int     `json:"steps_planned"`
	SamplesTrained int64   `json:"samples_trained"`
	Rejected       int     `json:"rejected"`
	BatchesSHA256  string  `json:"batches_sha256"`
	WeightsSHA256  string  `json:"weights_sha256"`
	Backend        string  `json:"backend"`
	Fingerprint    string  `json:"fingerprint"`
	Seconds        float64 `json:"seconds"`

	Stages *ledger.Stages `json:"stages,omitempty"` // since its trainer last took it up

	Probes  []Probed         `json:"probes"`
	Rejects []schemas.Reject `json:"rejects,omitempty"`
}

// ErrUnknown is returned for a run that there is not.
var ErrUnknown = errors.New("no such run")

// Summarize reads what is kept of a run. One that failed before it began has a
// status alone.
func Summarize(ctx context.Context, l *ledger.Ledger, run string) (Summary, error) {
	r, err := Read(ctx, l, run)
	if err != nil {
		return Summary{}, err
	}
	return r.Summary, nil
}

// summarize puts together what the trainer keeps of a run.
func summarize(req schemas.RunRequest, status ledger.Status) Summary {
	return Summary{
		Method: req.Config.Method, Dataset: req.Dataset, Config: req.Config,
		State: cmp.Or(status.State, Waiting), Error: status.Error,
		Images: status.Images, Epochs: status.Epoch, Steps: status.Step, StepsPlanned: status.Steps,
		SamplesTrained: status.SamplesTrained, Rejected: status.Rejected, Seconds: status.Seconds,
		BatchesSHA256: status.BatchesSHA256, WeightsSHA256: status.WeightsSHA256,
		Backend: status.Backend, Fingerprint: status.Fingerprint, Stages: status.Stages,
	}
}

// Waiting is the state of a run that has been listed and not yet told of.
const Waiting = "waiting"

// probes gathers the reports of a run, one row a step.
func probes(ctx context.Context, l *ledger.Ledger, run string, reports []schemas.Report) ([]Probed, error) {
	var rows []Probed
	for _, r := range reports {
		if len(rows) == 0 || rows[len(rows)-1].Step != r.Step {
			// The snapshot may be gone, its loss with it.
			card, err := snapshot.ReadCard(ctx, l.Bucket(), snapshot.Prefix(run, r.Step))
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, snapshot.ErrDamaged) {
				return nil, err
			}
			rows = append(rows, Probed{Step: r.Step, Loss: card.Loss, Others: map[string]float64{}})
		}
		rows[len(rows)-1].add(r)
	}
	return rows, nil
}

// Labelled tells whether there are probes that need labels.
func (s Summary) Labelled() bool {
	return slices.ContainsFunc(s.Probes, func(p Probed) bool { return p.LinearTop1 != nil })
}
