package schemas

import "time"

// Metric is how a run does at one step.
type Metric struct {
	Run   string    `json:"run"`
	Time  time.Time `json:"time"`
	Step  int       `json:"step"`  // steps done
	Steps int       `json:"steps"` // planned in all
	Epoch float64   `json:"epoch"` // passes over the manifest so far

	State string `json:"state"`           // see the states of package ledger: "running" until the last metric of a start
	Error string `json:"error,omitempty"` // why the run failed

	Loss         float64            `json:"loss"`
	LearningRate float64            `json:"learning_rate"`
	Values       map[string]float64 `json:"values,omitempty"` // of the method, such as its pretext accuracy, and gradient_norm: of all weights together, before it is clipped

	ImagesPerSecond float64 `json:"images_per_second"` // since the last metric
	StepsPerSecond  float64 `json:"steps_per_second"`  // alike
	WaitShare       float64 `json:"wait_share"`        // share of that time spent waiting for samples
	SplitsOut       int     `json:"splits_out"`        // issued and not yet trained on
	BufferedBytes   int64   `json:"buffered_bytes"`    // samples that wait for their turn
	Reissued        int     `json:"reissued"`          // splits issued again, in all
	Holes           int     `json:"holes"`             // broken images met, in all

	// Workers of augmenters that would keep the trainer busy; left out until
	// it is known.
	AugmentersWanted float64 `json:"augmenters_wanted,omitempty"`

	Collapse *Collapse `json:"collapse,omitempty"` // every so many steps
}

// Collapse are the signs that an encoder gives the same answer to everything.
type Collapse struct {
	Std      float64  `json:"std"`       // mean standard deviation of the L2-normalised embedding's dimensions
	StdIdeal float64  `json:"std_ideal"` // 1/√d, of an embedding that uses all of them
	Rank     float64  `json:"rank"`      // RankMe: exp of the entropy of the singular values
	Dim      int      `json:"dim"`
	Chance   float64  `json:"chance"` // loss of blind guessing; 0 where the method has none
	Warnings []string `json:"warnings,omitempty"`
}

func (Metric) Type() string      { return "metric.v1" }
func (m Metric) Subject() string { return "metrics." + m.Run }

func (m Metric) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if m.Step < 0 || m.Steps < 0 {
		return invalid("step: have %d of %d, want at least 0", m.Step, m.Steps)
	}
	return checkFinite("loss", m.Loss)
}
