package schemas

// Snapshot says that a snapshot lies in the bucket "runs", whole.
type Snapshot struct {
	Run    string  `json:"run"`
	Step   int     `json:"step"`
	Epoch  float64 `json:"epoch"`
	Prefix string  `json:"prefix"` // folder of the snapshot in the bucket "runs", without the last slash
	Final  bool    `json:"final"`  // the run's last

	BatchesSHA256 string `json:"batches_sha256"` // of all batches so far
	WeightsSHA256 string `json:"weights_sha256"` // of the whole training state
}

func (Snapshot) Type() string      { return "snapshot.v1" }
func (m Snapshot) Subject() string { return "snapshots." + m.Run }

func (m Snapshot) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	switch {
	case m.Step < 0:
		return invalid("step: have %d, want at least 0", m.Step)
	case m.Prefix == "":
		return invalid("prefix is empty")
	case len(m.BatchesSHA256) != 64 || len(m.WeightsSHA256) != 64:
		return invalid("digests: have %d and %d digits, want 64", len(m.BatchesSHA256), len(m.WeightsSHA256))
	}
	return nil
}
