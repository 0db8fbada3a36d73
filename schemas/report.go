package schemas

import (
	"errors"
	"fmt"
	"math"
)

// Report is what one probe says of one snapshot.
type Report struct {
	Run   string `json:"run"`
	Step  int    `json:"step"`
	Final bool   `json:"final"`

	Probe     string             `json:"probe"`               // such as "linear" or "knn"
	Value     float64            `json:"value"`               // top-1 accuracy, 0 to 1, unless the probe says otherwise
	Values    map[string]float64 `json:"values,omitempty"`    // more figures of the same judgement, by name
	PerClass  []ClassValue       `json:"per_class,omitempty"` // in the order of the labels
	Constants map[string]string  `json:"constants,omitempty"` // of the protocol, to be printed beside the value
	Train     int                `json:"train,omitempty"`     // images that the probe was fitted on
	Test      int                `json:"test,omitempty"`      // images that it was scored on
	Dataset   string             `json:"dataset,omitempty"`   // whose images it was made on; none: the run's own
	Labels    float64            `json:"labels,omitempty"`    // share of the images to learn from whose labels were used; none: all
	Repeats   []float64          `json:"repeats,omitempty"`   // values with different seeds, whose mean is Value; none: there was nothing to draw
	Stages    []StageValue       `json:"stages,omitempty"`    // of the encoder, from the image to the features, whose value is Value; none: only these were looked at
	Note      string             `json:"note,omitempty"`      // a sentence for people, such as why there is no accuracy
	Seconds   float64            `json:"seconds,omitempty"`   // that it took; the first of a snapshot's counts what all need
}

// ClassValue is a probe's value for one class.
type ClassValue struct {
	Class string  `json:"class"`
	Value float64 `json:"value"`
	Count int     `json:"count"`
}

// StageValue is a probe's value for the features of one stage of the encoder.
type StageValue struct {
	Stage   string  `json:"stage"`
	Value   float64 `json:"value"`    // like the report's
	HeldOut float64 `json:"held_out"` // the same on the training images, of which each fold is predicted from the others, to choose a stage by
}

// BestStage is the stage with the highest held-out value, the later one of
// equals: no test image has a say in it. There is none where only the last stage
// was looked at.
func (m Report) BestStage() (best StageValue, ok bool) {
	for _, s := range m.Stages {
		if !ok || s.HeldOut >= best.HeldOut {
			best, ok = s, true
		}
	}
	return best, ok
}

func (Report) Type() string      { return "report.v1" }
func (m Report) Subject() string { return "reports." + m.Run }

func (m Report) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if !(0 <= m.Labels && m.Labels <= 1) {
		return invalid("report: have %g of the labels, want 0 to 1", m.Labels)
	}
	for _, v := range m.Repeats {
		if err := checkFinite("repeat", v); err != nil {
			return err
		}
	}
	if m.Step < 0 || m.Probe == "" || m.Train < 0 || m.Test < 0 {
		return invalid("report: have step %d, probe %q, %d and %d images", m.Step, m.Probe, m.Train, m.Test)
	}
	for _, s := range m.Stages {
		if s.Stage == "" {
			return invalid("report: a stage has no name")
		}
		if err := errors.Join(checkFinite("value", s.Value), checkFinite("held out", s.HeldOut)); err != nil {
			return fmt.Errorf("stage %s: %w", s.Stage, err)
		}
	}
	if !(m.Seconds >= 0 && !math.IsInf(m.Seconds, 0)) {
		return invalid("report: have %g seconds", m.Seconds)
	}
	for name, v := range m.Values {
		if err := checkFinite(name, v); err != nil {
			return err
		}
	}
	return checkFinite("value", m.Value)
}
