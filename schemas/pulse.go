package schemas

import "time"

// PulseEvery is how often an augmenter sends a Pulse, also while it has nothing
// to do.
const PulseEvery = 2 * time.Second

// Pulse says that an augmenter is alive, and what it has done since it began. It
// is kept nowhere: only who listens just then hears it.
type Pulse struct {
	Name        string    `json:"name"` // that of its samples
	Began       time.Time `json:"began"`
	Time        time.Time `json:"time"`
	Run         string    `json:"run,omitempty"` // of its last split
	Fingerprint string    `json:"fingerprint"`
	Workers     int       `json:"workers"`
	Images      int64     `json:"images"` // made and sent
	Holes       int64     `json:"holes"`

	// What all its workers together have spent their time on, in seconds; see
	// Effort.
	Waiting    float64 `json:"waiting_seconds"`
	Fetching   float64 `json:"fetching_seconds"`
	Rendering  float64 `json:"rendering_seconds"`
	Publishing float64 `json:"publishing_seconds"`

	Leaving bool `json:"leaving,omitempty"` // it was told to stop: this is its last one
}

func (Pulse) Type() string    { return "pulse.v1" }
func (Pulse) Subject() string { return "pulses" }

func (m Pulse) Validate() error {
	if m.Name == "" || m.Workers < 1 || m.Images < 0 || m.Holes < 0 {
		return invalid("pulse: have name %q, %d workers, %d images, %d holes", m.Name, m.Workers, m.Images, m.Holes)
	}
	if m.Run != "" {
		if err := CheckName(m.Run); err != nil {
			return err
		}
	}
	for _, seconds := range []float64{m.Waiting, m.Fetching, m.Rendering, m.Publishing} {
		if err := checkFinite("seconds", seconds); err != nil {
			return err
		}
	}
	return nil
}
