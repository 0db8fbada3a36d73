package schemas

// Reject says that an image could not be used, and why.
type Reject struct {
	Run    string `json:"run"`
	ID     int64  `json:"id"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

func (Reject) Type() string      { return "reject.v1" }
func (m Reject) Subject() string { return "rejects." + m.Run }

func (m Reject) Validate() error {
	if err := CheckName(m.Run); err != nil {
		return err
	}
	if m.Reason == "" || m.ID < 0 {
		return invalid("reject: have id %d, reason %q", m.ID, m.Reason)
	}
	return checkKey("key", m.Key)
}
