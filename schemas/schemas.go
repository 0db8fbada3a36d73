// Package schemas holds every message that crosses a process boundary, one
// file per message, and the streams that carry them.
//
//	subject          message     from       to          stream
//	runs.request     RunRequest  person     trainer     RUNS       work queue
//	splits.<run>     Split       trainer    augmenter   SPLITS     work queue
//	samples.<run>    Samples     augmenter  trainer     SAMPLES    work queue, in memory
//	rejects.<run>    Reject      augmenter  people      REJECTS    kept
//	metrics.<run>    Metric      trainer    people      METRICS    kept
//	snapshots.<run>  Snapshot    trainer    evaluator   SNAPSHOTS  kept
//	reports.<run>    Report      evaluator  people      REPORTS    kept
//	pulses           Pulse       augmenter  people      none
//
// All are JSON but Samples, which are safetensors. A field may be added to a
// version of a message; a change of meaning is a new version.
package schemas

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// TypeHeader carries Message.Type, so that a reader can refuse a message
// without parsing its body.
const TypeHeader = "Selfstream-Type"

// DigestHeader carries the Digest of the body as lower-case hex. Encode writes
// it and Decode holds the body against it, so that no bit that was flipped on
// the way is trained on. It may be left out of messages written by hand.
const DigestHeader = "Selfstream-XXH3"

var (
	// ErrType is returned when a message is not of the type asked for.
	ErrType = errors.New("unexpected message type")

	// ErrInvalid is returned when a message breaks its own schema.
	ErrInvalid = errors.New("invalid message")
)

// Message is a payload with a fixed place in the flow.
type Message interface {
	Type() string    // name and version, such as "split.v1"
	Subject() string // where it is published
	Validate() error // wraps ErrInvalid
}

// Encode validates m and packs it for publishing. The body is m's own binary
// form if it has one, and JSON otherwise.
func Encode(m Message) (*nats.Msg, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.Type(), err)
	}
	marshal := func() ([]byte, error) { return json.Marshal(m) }
	if b, ok := m.(encoding.BinaryMarshaler); ok {
		marshal = b.MarshalBinary
	}
	body, err := marshal()
	if err != nil { // such as for a NaN
		return nil, fmt.Errorf("encoding %s: %w: %w", m.Type(), ErrInvalid, err)
	}
	return &nats.Msg{
		Subject: m.Subject(),
		Header:  nats.Header{TypeHeader: {m.Type()}, DigestHeader: {DigestOf(body).String()}},
		Data:    body,
	}, nil
}

// Decode unpacks body into m, which must be empty, and validates it. Fields
// that m does not know are skipped, so that producers can be updated before
// consumers. Binary messages may keep pointing into body.
func Decode(h nats.Header, body []byte, m Message) error {
	if got := h.Get(TypeHeader); got != m.Type() {
		return fmt.Errorf("%w: have %q, want %q", ErrType, got, m.Type())
	}
	if want := h.Get(DigestHeader); want != "" {
		if have := DigestOf(body).String(); have != want {
			return fmt.Errorf("decoding %s: %w: the body has the digest %s, its header says %s: it was changed on the way", m.Type(), ErrInvalid, have, want)
		}
	}
	unmarshal := func(b []byte) error { return json.Unmarshal(b, m) }
	if b, ok := m.(encoding.BinaryUnmarshaler); ok {
		unmarshal = b.UnmarshalBinary
	}
	if err := unmarshal(body); err != nil {
		if !errors.Is(err, ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return fmt.Errorf("decoding %s: %w", m.Type(), err)
	}
	if err := m.Validate(); err != nil {
		return fmt.Errorf("decoding %s: %w", m.Type(), err)
	}
	return nil
}

// A name is one token of a subject and one folder of a bucket.
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,79}$`)

// CheckName tells whether s can name a run. It wraps ErrInvalid.
func CheckName(s string) error {
	if !name.MatchString(s) {
		return fmt.Errorf("%w: name %q: want 1 to 80 of a-z, 0-9, - and _, starting with a letter or digit", ErrInvalid, s)
	}
	return nil
}

// checkFinite refuses infinities and NaN, which JSON cannot say.
func checkFinite(what string, x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return invalid("%s: have %g, want a finite number", what, x)
	}
	return nil
}

// checkKey tells whether s can name objects of a bucket. Bytes that are not
// UTF-8 would be replaced in JSON without a word, which gives another name.
func checkKey(what, s string) error {
	if s == "" || !utf8.ValidString(s) || s[0] == '/' || s[len(s)-1] == '/' {
		return invalid("%s: have %q, want UTF-8 without a slash at either end", what, s)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
