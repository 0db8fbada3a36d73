package flow

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrTooLarge is returned for a message that the server will never take.
	ErrTooLarge = errors.New("message is larger than the server takes")

	// ErrNoStream is what a guest waits for the end of.
	ErrNoStream = errors.New("the queue is not there yet; a trainer makes it when it starts")

	// ErrNotStored is returned when the server is well but stores no messages,
	// of which it says no word to those who publish.
	ErrNotStored = errors.New("the NATS server stores no messages; if its log says that its disk is full, make room and restart it")
)

// Error codes of the server that nats.go has no name for.
const (
	codeNoPeers         jetstream.ErrorCode = 10005
	codeNotLeader       jetstream.ErrorCode = 10009
	codeNoMemory        jetstream.ErrorCode = 10028
	codeNoStorage       jetstream.ErrorCode = 10047
	codeNotClustered    jetstream.ErrorCode = 10074
	codeStoreFailed     jetstream.ErrorCode = 10077
	codeStreamOffline   jetstream.ErrorCode = 10118
	codeConsumerOffline jetstream.ErrorCode = 10119
	codeTooManyRequests jetstream.ErrorCode = 10167
)

// temporary tells whether what failed with err may succeed later: the server is
// away, starting or busy, has no room, or has lost a stream, or those of a cluster
// are choosing who leads.
func temporary(err error) bool {
	for _, final := range []error{ErrTooLarge, ErrNotStored, nats.ErrConnectionClosed, nats.ErrBadSubject} {
		if errors.Is(err, final) {
			return false
		}
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return true // the connection's, not the server's
	}
	switch api.ErrorCode {
	case codeNotLeader, codeStreamOffline, codeConsumerOffline:
		return true
	}
	return notFound(err) || api.Code == http.StatusServiceUnavailable || api.Code == http.StatusTooManyRequests
}

// missing tells whether err may come of a stream or consumer that has gone.
// Nobody answers what is published to a subject without a stream.
func missing(err error) bool {
	return notFound(err) || errors.Is(err, jetstream.ErrConsumerDeleted) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// notFound tells whether the server has said that there is no such stream or
// consumer.
func notFound(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

// pushedBack tells whether err only says that consumers are slower than
// publishers, which is as it should be.
func pushedBack(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == codeTooManyRequests || api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "exceeded"))
}

// backoff spaces attempts. Its zero value begins with the shortest wait.
type backoff struct{ wait time.Duration }

const (
	backoffMin = 20 * time.Millisecond
	backoffMax = 2 * time.Second
)

// sleep waits longer each time, by a random share less so that many processes
// do not come at once. It returns the error of ctx when that ends.
func (b *backoff) sleep(ctx context.Context) error {
	b.wait = min(max(2*b.wait, backoffMin), backoffMax)
	timer := time.NewTimer(b.wait - rand.N(b.wait/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
