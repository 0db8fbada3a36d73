package schemas

import "regexp"

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
	if m.Step < 0 {
		return invalid("step: have %d, want at least 0", m.Step)
	}
	if err := checkKey("prefix", m.Prefix); err != nil {
		return err
	}
	for _, digest := range []string{m.BatchesSHA256, m.WeightsSHA256} {
		if !sha256Digest.MatchString(digest) {
			return invalid("digest: have %q, want 64 digits of lower-case hex", digest)
		}
	}
	return nil
}

var sha256Digest = regexp.MustCompile(`^[0-9a-f]{64}$`)
