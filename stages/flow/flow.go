// Package flow turns messages into deliveries: it publishes what travels
// between the services to NATS JetStream, and hands it to workers and watchers.
//
// All of it goes on by itself when the server restarts, also when the server
// comes back without its storage: streams and consumers are made again, and
// what was queued is lost. So nothing but the work of a moment may depend on
// the queue.
package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

const (
	connectTimeout = 3 * time.Second  // of a server that does not answer at all
	answerTimeout  = 10 * time.Second // of one that is busy
)

// Config of a connection.
type Config struct {
	URL     string        // such as "nats://127.0.0.1:4222"; several, separated by commas, are tried in turn
	Name    string        // of the process, to be seen in the server's list of connections
	Service string        // whose rights it has, such as schemas.TrainerService; empty: on servers without rights
	Options []nats.Option // further ones, such as credentials, TLS or nats.InProcessServer

	// Guest connections create nothing: they wait until a trainer has made the
	// streams and consumers.
	Guest bool

	// Replicas of what the others create, on a cluster of as many servers. 0: what
	// exists stays as it is, and what is new has 1.
	Replicas int
	Log      *slog.Logger // nil: silent
}

// Flow is a connection to NATS. Its methods may be called from many goroutines
// at once.
type Flow struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger

	guest    bool
	replicas int
	waited   sync.Once     // told that a guest waits
	patience time.Duration // with one answer
	ensuring chan struct{} // full while an Ensure runs: one at a time is enough
	counters counters

	mu         sync.Mutex
	reconnects uint64          // before link
	link       context.Context // ends when the connection has been made anew
	unlink     context.CancelFunc
}

// Connect returns a connection to a server that answers within a few seconds,
// or an error that names its address. Once made, the connection is kept up for
// good: it is only lost for as long as the server is away.
func Connect(ctx context.Context, cfg Config) (*Flow, error) {
	f := &Flow{log: cfg.Log, guest: cfg.Guest, replicas: cfg.Replicas, patience: answerTimeout, ensuring: make(chan struct{}, 1)}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.link, f.unlink = context.WithCancel(context.Background())

	options := []nats.Option{
		nats.Name(cfg.Name),
		nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond),
		// Find out within half a minute that a server has stopped without
		// closing its connections.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// Nothing written while the server is away may reach the next one: an
		// acknowledgement would settle whatever message has its number there.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				f.log.Warn("losing NATS, will reconnect", "err", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			f.log.Info("reconnected to NATS", "url", nc.ConnectedUrlRedacted())
			f.connection(nc)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			f.log.Warn("hearing from NATS", "err", err)
		}),
	}
	if cfg.Service != "" {
		options = append(options, nats.CustomInboxPrefix(schemas.Inbox(cfg.Service)))
	}
	nc, err := nats.Connect(cfg.URL, append(options, cfg.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS at %s: %w; %s", redacted(cfg.URL), err, connectAdvice(err))
	}
	f.nc = nc
	if f.js, err = jetstream.New(nc); err == nil {
		err = f.check(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connecting to NATS at %s: %w", redacted(cfg.URL), err)
	}
	return f, nil
}

// connectAdvice is what to do about a server that cannot be connected to.
func connectAdvice(err error) string {
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return "check name and password, or the credentials"
	case errors.As(err, &cert):
		return "name the authority that has signed its certificate, and its host as the certificate does"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "either both sides use TLS, or none"
	}
	return "is the address right, and a server running there?"
}

// redacted leaves the passwords out of addresses.
func redacted(urls string) string {
	var all []string
	for s := range strings.SplitSeq(urls, ",") {
		if u, err := url.Parse(s); err == nil {
			s = u.Redacted()
		}
		all = append(all, s)
	}
	return strings.Join(all, ",")
}

// check asks whether the server can do what is needed of it.
func (f *Flow) check(ctx context.Context) error {
	if have := f.nc.MaxPayload(); have < schemas.MaxPayload {
		return fmt.Errorf("the server takes messages of at most %d bytes, want %d; set max_payload in its configuration", have, schemas.MaxPayload)
	}
	ctx, cancel := f.attempt(ctx)
	defer cancel()
	_, err := f.js.AccountInfo(ctx)
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("%w; start the server with JetStream, as in nats-server -js -sd FOLDER", err)
	}
	return err
}

// Close sends what is still to be sent, such as the last acknowledgements, and
// ends the connection. Calls that still run return errors.
func (f *Flow) Close() {
	if f.nc.IsConnected() {
		_ = f.nc.FlushTimeout(connectTimeout) // a server that has gone meanwhile cannot be told
	}
	f.nc.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unlink() // Nothing waits for an answer any more.
}

// connection returns a context that ends when the present connection of nc has
// been replaced, which is told from the number of reconnections: their handler
// is only called after others could use the new connection.
func (f *Flow) connection(nc *nats.Conn) context.Context {
	reconnects := nc.Stats().Reconnects
	f.mu.Lock()
	defer f.mu.Unlock()
	if reconnects > f.reconnects {
		f.unlink()
		f.link, f.unlink = context.WithCancel(context.Background())
		f.reconnects = reconnects
	}
	return f.link
}

// attempt bounds one conversation with the server. It also ends when the
// connection has been made anew: nobody answers what was asked before.
func (f *Flow) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, f.patience)
	stop := context.AfterFunc(f.connection(f.nc), cancel)
	return ctx, func() { stop(); cancel() }
}
