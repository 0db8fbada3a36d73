package schemas

// Report is what one probe says of one snapshot.
type Report struct {
	Run   string `json:"run"`
	Step  int    `json:"step"`
	Final bool   `json:"final"`

	Probe     string            `json:"probe"`               // such as "linear" or "knn"
	Value     float64           `json:"value"`               // top-1 accuracy, 0 to 1, unless the probe says otherwise
	PerClass  []ClassValue      `json:"per_class,omitempty"` // in the order of the labels
	Constants map[string]string `json:"constants,omitempty"` // of the protocol, to be printed beside the value
	Train     int               `json:"train,omitempty"`     // images that the probe was fitted on
	Test      int               `json:"test,omitempty"`      // images that it was scored on
	Note      string            `json:"note,omitempty"`      // a sentence for people, such as why there is no accuracy
}

// ClassValue is a probe's value for one class.
type ClassValue struct {
	Class string  `json:"class"`
	Value float64 `json:"value"`
	Count int     `json:"count"`
}

func (Report) Type() string      { return "report.v1" }
func (m Report) Subject() string { return "reports." + m.Run }

func (m Report) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if m.Step < 0 || m.Probe == "" || m.Train < 0 || m.Test < 0 {
		return invalid("report: have step %d, probe %q, %d and %d images", m.Step, m.Probe, m.Train, m.Test)
	}
	return checkFinite("value", m.Value)
}
