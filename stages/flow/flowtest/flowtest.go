// Package flowtest turns a test's wish for NATS into a server of its own, in
// the process and without a network port, which can be stopped, restarted and
// robbed of its storage.
package flowtest

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

// Server is a NATS server with JetStream. It is also the
// nats.InProcessConnProvider through which connections outlive a restart.
type Server struct {
	t    testing.TB
	dir  string
	tune []func(*server.Options)

	mu      sync.Mutex
	running *server.Server // nil while stopped
}

// Start starts a server that stops when t ends.
func Start(t testing.TB, tune ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), tune: tune}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts a stopped server again, with the storage it had.
func (s *Server) Start() {
	s.t.Helper()
	o := &server.Options{
		DontListen:         true,
		JetStream:          true,
		StoreDir:           s.dir,
		JetStreamMaxMemory: 2 * schemas.SamplesBytes,
		JetStreamMaxStore:  1 << 30,
		MaxPayload:         schemas.MaxPayload,
		NoLog:              true,
		NoSigs:             true,
	}
	for _, tune := range s.tune {
		tune(o)
	}
	n, err := server.NewServer(o)
	if err != nil {
		s.t.Fatalf("starting nats-server: %v", err)
	}
	n.Start()
	if !n.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("starting nats-server: not ready after 10 s")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = n
}

// Stop stops the server, and with it all connections.
func (s *Server) Stop() {
	s.mu.Lock()
	n := s.running
	s.running = nil
	s.mu.Unlock()
	if n != nil {
		n.Shutdown()
		n.WaitForShutdown()
	}
}

// Wipe removes the storage of a stopped server.
func (s *Server) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Fatalf("wiping nats-server: %v", err)
	}
}

// InProcessConn returns a connection to the server, unless that is stopped.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil, errors.New("server is stopped")
	}
	return s.running.InProcessConn()
}

// Connect returns a connection that is closed when t ends. All streams are
// there.
func (s *Server) Connect(t testing.TB) *flow.Flow {
	t.Helper()
	return s.ConnectAs(t, t.Name())
}

// ConnectAs is Connect for a connection of that name; see Traffic.
func (s *Server) ConnectAs(t testing.TB, name string) *flow.Flow {
	t.Helper()
	f, err := flow.Connect(context.Background(), flow.Config{Name: name, Options: []nats.Option{nats.InProcessServer(s)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if err := f.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	return f
}

// Traffic is how many messages the server has had from a connection and has sent
// to it, of all kinds.
func (s *Server) Traffic(name string) (from, to int64) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.running.Connz(&server.ConnzOptions{})
	if err != nil {
		s.t.Fatalf("asking nats-server for its connections: %v", err)
	}
	for _, c := range all.Conns {
		if c.Name == name {
			from, to = from+c.InMsgs, to+c.OutMsgs
		}
	}
	return from, to
}

// JetStream returns a plain connection, to look at and to break what is there.
func (s *Server) JetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Eventually fails t unless ok becomes true within half a minute.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waiting for %s: not so after 30 s", what)
}
