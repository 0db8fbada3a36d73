package flow

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// Delivery is one message on its way to a handler.
type Delivery struct {
	Subject     string
	Header      nats.Header
	Data        []byte
	Sequence    uint64    // of the message in its stream, from 1
	Stored      time.Time // when the server took it, by its clock
	Redelivered int       // how often it was delivered before
}

// Decode unpacks the body of d, and refuses one of another type or one that
// breaks its schema with an error that is Permanent.
func Decode[M any, P interface {
	*M
	schemas.Message
}](d Delivery) (M, error) {
	var m M
	if err := schemas.Decode(d.Header, d.Data, P(&m)); err != nil {
		return m, Permanent(err)
	}
	return m, nil
}

// Permanent marks err as one that no retry can mend. A handler returns it to
// have its message dropped.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

func isPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// Later wraps err as one that time will mend. A handler returns it to have its
// message again after that long; meanwhile it is free for others.
func Later(wait time.Duration, err error) error { return &laterError{err, wait} }

type laterError struct {
	error
	wait time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

func newDelivery(msg jetstream.Msg, meta *jetstream.MsgMetadata) Delivery {
	return Delivery{
		Subject:     msg.Subject(),
		Header:      msg.Headers(),
		Data:        msg.Data(),
		Sequence:    meta.Sequence.Stream,
		Stored:      meta.Timestamp,
		Redelivered: int(meta.NumDelivered) - 1,
	}
}
