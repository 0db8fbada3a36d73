package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// rivals are two trainers that have both been asked for the run.
type rivals struct {
	*system
	both map[string]rival
}

type rival struct {
	*process
	wire *wire // to NATS
}

// shortLease makes the tests quick. It outlasts what a busy machine does to a
// process.
const shortLease = "4s"

func newRivals(t *testing.T) *rivals {
	t.Helper()
	s := newSystem(t)
	r := &rivals{system: s, both: map[string]rival{}}
	for _, name := range []string{"a", "b"} {
		w := newWire(t, "127.0.0.1:"+s.natsPort)
		args := append([]string{"trainer", "--backend", "go", "--credit", "1", "--lease", shortLease}, s.addresses(schemas.TrainerService, s.faulty.addr)...)
		r.both[name] = rival{s.service("trainer "+name, append(args, "--name", name, "--nats", "nats://"+w.addr)...), w}
	}
	s.ask()
	s.await("a run that both know", func() bool {
		if r.both["a"].said("leaving a run") || r.both["b"].said("leaving a run") {
			return true
		}
		time.Sleep(100 * time.Millisecond)
		s.ask()
		return false
	})
	s.augmenter("augmenter", 1)
	return r
}

// holder is the trainer that has the run, and the other one.
func (r *rivals) holder() (has, other rival) {
	r.t.Helper()
	var lease struct{ Holder string }
	r.await("a lease", func() bool {
		r.status() // opens the ledger
		return r.ledger != nil && r.ledger.Read(r.t.Context(), chaosRun, ledger.Lease, &lease) == nil
	})
	if lease.Holder == "a" {
		return r.both["a"], r.both["b"]
	}
	return r.both["b"], r.both["a"]
}

// handed waits until p has gone on with the run.
func (r *rivals) handed(p rival) {
	r.t.Helper()
	r.await(p.name+" to go on", func() bool { return p.said("taking a lease") && p.said("msg=continuing") })
}

// stayed fails the test if the run was handed over.
func (r *rivals) stayed() {
	r.t.Helper()
	for _, p := range r.both {
		if p.said("taking a lease") {
			r.t.Errorf("have a run that %s has taken over, want it to stay where it was", p.name)
		}
	}
}

// gaveUp fails the test unless p notices that it has lost the run.
func (r *rivals) gaveUp(p rival) {
	r.t.Helper()
	r.await(p.name+" to stop", func() bool { return p.said("which another trainer goes on with") })
}

// TestChaosRivals has two trainers ask for one run. They are never at work on
// it both, whatever happens to the one that has it.
func TestChaosRivals(t *testing.T) {
	thorough(t)
	t.Run("killed", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		has, other := r.holder()
		has.kill()
		r.handed(other)
		has.restart()
		r.finish()
	})
	t.Run("asleep for longer than its lease", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		has, other := r.holder()
		has.stop()
		r.handed(other)
		has.wake()
		r.gaveUp(has)
		r.finish()
	})
	t.Run("asleep for longer than its request is kept for it", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		has, other := r.holder()
		has.stop()
		asleep, wait := time.Now(), schemas.RunsConsumer().AckWait+3*time.Second
		r.await("AckWait", func() bool { return time.Since(asleep) > wait })
		r.handed(other)
		has.wake()
		r.gaveUp(has)
		r.finish()
	})
	t.Run("without NATS for shorter than its lease", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		has, _ := r.holder()
		has.wire.cut()
		time.Sleep(500 * time.Millisecond) // of an outage
		has.wire.mend()
		r.finish()
		r.stayed()
	})
	t.Run("without NATS for longer than its lease", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		has, other := r.holder()
		has.wire.cut()
		r.handed(other)
		has.wire.mend()
		r.gaveUp(has)
		r.finish()
	})
	t.Run("NATS loses all", func(t *testing.T) {
		r := newRivals(t)
		r.reach(60)
		r.restartNATS(true)
		r.ask()
		r.ask()
		r.finish()
		r.stayed()
	})
}

// TestChaosLateWrite holds back what a trainer writes until another one has
// finished the run, and then lets it through.
func TestChaosLateWrite(t *testing.T) {
	brief(t)
	beside(t)
	for _, tc := range []struct {
		key   string
		brief bool
	}{{"/snapshots/00000080/state.safetensors", false}, {"/snapshots/00000080/card.json", true}, {"/status.json", false}} {
		t.Run(tc.key, func(t *testing.T) {
			if !tc.brief {
				thorough(t)
			}
			r := newRivals(t)
			r.reach(60)
			has, other := r.holder()
			late := r.holdBack(chaosRun+tc.key, has)
			r.met(late.held)
			r.handed(other)
			r.end(ledger.Finished)
			close(late.release)
			if code := <-late.code; code != http.StatusPreconditionFailed {
				t.Errorf("the late write: have the answer %d, want %d", code, http.StatusPreconditionFailed)
			}
			has.wake()
			r.gaveUp(has)
			r.finish()
		})
	}
}

// lateWrite is a request that has been sent and not arrived.
type lateWrite struct {
	held, release chan struct{}
	code          chan int // of the answer
}

// holdBack stops p at its next writing of key, and the request on its way.
func (r *rivals) holdBack(key string, p rival) *lateWrite {
	late := &lateWrite{make(chan struct{}), make(chan struct{}), make(chan int, 1)}
	var once sync.Once
	r.faulty.suffer(func(w http.ResponseWriter, req *http.Request, pass http.HandlerFunc) {
		if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, key) {
			pass(w, req)
			return
		}
		first := false
		once.Do(func() { first = true })
		if !first {
			pass(w, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			r.t.Error(err)
		}
		defer close(late.code) // also where the proxy gives up, which is a panic
		p.stop()
		close(late.held)
		<-late.release
		answer, answered := httptest.NewRecorder(), make(chan struct{})
		begin := min(len(body), 1<<10)
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:begin]), &restOf{Reader: bytes.NewReader(body[begin:]), answered: answered}))
		pass(answer, req)
		close(answered)
		late.code <- answer.Code
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
	return late
}

// restOf is the rest of a body, which waits for an answer. The S3 refuses a write
// without reading it, and if it were on its way then, the connection would break
// and the answer be lost. A server that wants it gets it after a while.
type restOf struct {
	io.Reader
	answered <-chan struct{}
	wanted   bool
}

func (r *restOf) Read(p []byte) (int, error) {
	if !r.wanted {
		select {
		case <-r.answered:
			return 0, io.ErrUnexpectedEOF
		case <-time.After(5 * time.Second):
			r.wanted = true
		}
	}
	return r.Reader.Read(p)
}

// wire is a TCP connection that can be cut.
type wire struct {
	t        *testing.T
	addr, to string

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, addr: ln.Addr().String(), to: to}
	t.Cleanup(func() { ln.Close(); w.cut() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			w.join(c)
		}
	}()
	return w
}

// join connects c with the other end, or cuts it off.
func (w *wire) join(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	far, err := net.Dial("tcp", w.to)
	if w.down || err != nil {
		c.Close()
		if err == nil {
			far.Close()
		}
		return
	}
	w.conns = append(w.conns, c, far)
	for _, pair := range [][2]net.Conn{{c, far}, {far, c}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // until one end has gone
			pair[0].Close()
		}()
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}
