package bucket

import "time"

// Hurry makes s wait almost nothing between tries, and tell a silent server
// from a slow one within patience.
func (s *S3) Hurry(patience time.Duration) {
	s.policy.pause, s.policy.maxPause, s.policy.patience = time.Microsecond, time.Millisecond, patience
}
