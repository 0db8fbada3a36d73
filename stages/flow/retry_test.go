package flow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/stages/flow"
)

// answer is an error as the server sends it.
func answer(e *server.ApiError) error {
	return fmt.Errorf("asking: %w", &jetstream.APIError{Code: e.Code, ErrorCode: jetstream.ErrorCode(e.ErrCode), Description: e.Description})
}

// TestTemporary: what a server says while it starts, or a cluster while one of
// its servers is away, is no reason to give up.
func TestTemporary(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{context.DeadlineExceeded, true},
		{nats.ErrNoResponders, true},
		{jetstream.ErrNoHeartbeat, true},
		{flow.ErrNoStream, true},
		{answer(server.NewJSClusterNotAvailError()), true},
		{answer(server.NewJSClusterNotLeaderError()), true},
		{answer(server.NewJSStreamOfflineError()), true},
		{answer(server.NewJSConsumerOfflineError()), true},
		{answer(server.NewJSInsufficientResourcesError()), true},
		{answer(server.NewJSStreamNotFoundError()), true},

		{answer(server.NewJSStreamReplicasNotSupportedError()), false},
		{answer(server.NewJSMemoryResourcesExceededError()), false},
		{answer(server.NewJSStreamInvalidConfigError(errors.New("no"))), false},
		{nats.ErrConnectionClosed, false},
		{flow.ErrTooLarge, false},
	} {
		if have := flow.Temporary(tc.err); have != tc.want {
			t.Errorf("%v: have %v, want %v", tc.err, have, tc.want)
		}
	}
}
