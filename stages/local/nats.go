//go:build !noservers

package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// maxPayload bounds a message. NATS advises against more; samples are
	// about 1 MiB.
	maxPayload = 8 << 20

	// maxPending is what the server holds back for one slow connection before
	// it cuts it off: with the default of 64 MiB, a trainer that pulls 32 MiB
	// ahead while it compiles a graph comes close.
	maxPending = 128 << 20

	// maxBuffered is what a stream takes in before it answers 429 "too many
	// requests". All augmenters together may send the whole byte credit of a
	// run at once; the default of 128 MiB leaves little above it.
	maxBuffered = 256 << 20
)

// NATS is a running nats-server with JetStream.
type NATS struct {
	srv *server.Server
}

// StartNATS starts a nats-server that keeps its streams in <Dir>/nats. It asks
// nobody for a password: let it listen only where all who reach it are trusted.
func StartNATS(ctx context.Context, o Options) (*NATS, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkPort(o.Host, o.NATSPort, "NATS", "--nats-port"); err != nil {
		return nil, err
	}
	if o.MonitorPort != MonitorOff {
		if err := checkPort(o.Host, o.MonitorPort, "the monitoring pages of NATS", "--http-port"); err != nil {
			return nil, err
		}
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:            "selfstream",
		Host:                  o.Host,
		Port:                  orRandom(o.NATSPort),
		HTTPHost:              o.Host,
		HTTPPort:              monitorPort(o.MonitorPort),
		JetStream:             true,
		StoreDir:              filepath.Join(o.Dir, "nats"),
		MaxPayload:            maxPayload,
		MaxPending:            maxPending,
		StreamMaxBufferedSize: maxBuffered,
		NoSigs:                true,
		NoLog:                 true, // SetLogger below
	})
	if err != nil {
		return nil, fmt.Errorf("starting NATS: %w", err)
	}
	log := &natsLog{Logger: o.Log.With("server", "nats")}
	srv.SetLogger(log, false, false)
	srv.Start() // returns when JetStream has read what it kept

	n := &NATS{srv}
	for ctx.Err() == nil && srv.Running() && log.fatal() == nil {
		if srv.ReadyForConnections(100 * time.Millisecond) {
			return n, nil
		}
	}
	n.Close()
	return nil, fmt.Errorf("starting NATS in %s: %w", o.Dir, errors.Join(log.fatal(), ctx.Err()))
}

// URL is where clients connect, such as "nats://127.0.0.1:4222".
func (n *NATS) URL() string { return "nats://" + reachable(n.srv.Addr().String()) }

// MonitorURL is where the monitoring pages are, such as
// "http://127.0.0.1:8222"; empty if they are off.
func (n *NATS) MonitorURL() string {
	if a := n.srv.MonitorAddr(); a != nil {
		return "http://" + reachable(a.String())
	}
	return ""
}

// InProcess makes a client in this process connect without a socket.
func (n *NATS) InProcess() nats.Option { return nats.InProcessServer(n.srv) }

// Close stops the server and waits until its streams are on disk.
func (n *NATS) Close() {
	n.srv.Shutdown()
	n.srv.WaitForShutdown()
}

// reachable is where to connect to what listens on addr: "all addresses of this
// machine" is none.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !net.ParseIP(host).IsUnspecified() {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// orRandom turns a port of Options into one of server.Options, where 0 means
// the default port and −1 any free one.
func orRandom(port int) int {
	if port == 0 {
		return server.RANDOM_PORT
	}
	return port
}

// monitorPort is like orRandom, but for the monitoring port 0 means none.
func monitorPort(port int) int {
	if port == MonitorOff {
		return 0
	}
	return orRandom(port)
}

// checkPort fails if nothing can listen on port, with a message that says which
// flag to change. The servers themselves would end the process or say less.
func checkPort(host string, port int, what, flag string) error {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d of %s, wanted for %s, is taken by another program: stop it or choose another port with %s (0: any free one)", port, host, what, flag)
	}
	if err != nil {
		return fmt.Errorf("listening for %s: %w: choose another address, or another port with %s", what, err, flag)
	}
	return ln.Close()
}

// natsLog passes what a nats-server has to say on, and keeps what would have
// ended the process.
type natsLog struct {
	*slog.Logger
	mu    sync.Mutex
	cause error
}

func (l *natsLog) Warnf(format string, v ...any)  { l.Warn(line(format, v)) }
func (l *natsLog) Errorf(format string, v ...any) { l.Error(line(format, v)) }
func (l *natsLog) Noticef(string, ...any)         {}
func (l *natsLog) Debugf(string, ...any)          {}
func (l *natsLog) Tracef(string, ...any)          {}

func (l *natsLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause = errors.New(line(format, v))
}

func (l *natsLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

func line(format string, v []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, v...))
}
