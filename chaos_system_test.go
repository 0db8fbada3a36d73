package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/stages/local"
	"selfstream/stages/scenes"
)

// TestMain lets the test binary stand in for the program and its two servers,
// so that the chaos tests can kill real processes.
func TestMain(m *testing.M) {
	as := os.Getenv("SELFSTREAM_TEST_AS")
	if as == "" {
		os.Exit(m.Run())
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does, however it does
		os.Exit(1)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if as == "selfstream" {
		os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}
	if err := serve(ctx, as, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs one of the servers on a folder and a port until ctx ends.
func serve(ctx context.Context, server, dir, port string) error {
	o := local.Options{Dir: dir, MonitorPort: local.MonitorOff, AccessKey: chaosKey, SecretKey: chaosSecret}
	if _, err := fmt.Sscan(port, &o.NATSPort); err != nil {
		return err
	}
	o.S3Port = o.NATSPort
	switch server {
	case "nats":
		if _, err := local.StartNATS(ctx, o); err != nil {
			return err
		}
	case "s3":
		if _, err := local.StartS3(ctx, o); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no server %q", server)
	}
	<-ctx.Done()
	return nil
}

const (
	chaosKey, chaosSecret = "chaos", "chaos-secret"
	chaosRun              = "chaos"
	chaosSteps            = 160             // of chaosConfig
	snapshotEvery         = 20              // alike
	patience              = 2 * time.Minute // with anything that a test waits for
)

// chaosConfig is the run of all chaos tests, of 80 images. A mebibyte of credit
// is a fifth of its samples, so the trainer and its augmenters need each other
// until near the end.
var chaosConfig = []string{
	"--dataset", "photos", "--encoder", "tiny", "--set", "dim=16", "--image-size", "16", "--batch", "20",
	"--epochs", "40", "--snapshot-every", "20", "--name", chaosRun,
}

// system is NATS, S3, and the services, each a process of its own.
type system struct {
	t        *testing.T
	dir      string
	natsPort string
	s3Port   string
	faulty   *faultyS3 // between the services and the S3
	nats, s3 *process
	ledger   *ledger.Ledger // past the faulty S3
}

// newSystem starts the servers over a fresh folder with photos.
func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, dir: t.TempDir(), natsPort: freePort(t), s3Port: freePort(t)}
	for key, png := range scenes.All(1, 8, 0) {
		name := filepath.Join(s.dir, "s3", datasetsBucket, "photos", filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.faulty = newFaultyS3(t, "127.0.0.1:"+s.s3Port)
	s.nats = s.start("nats", "nats", s.dir, s.natsPort)
	s.s3 = s.start("s3", "s3", s.dir, s.s3Port)
	s.await("the servers", func() bool { return listens(s.natsPort) && listens(s.s3Port) })
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func listens(port string) bool {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// addresses are the flags by which a service finds the servers.
func (s *system) addresses(s3 string) []string {
	return []string{"--nats", s.natsURL(), "--s3", "http://" + s3, "--s3-access-key", chaosKey, "--s3-secret-key", chaosSecret}
}

func (s *system) natsURL() string { return "nats://127.0.0.1:" + s.natsPort }

func (s *system) trainer() *process {
	return s.service("trainer", append([]string{"trainer", "--backend", "go", "--credit", "1"}, s.addresses(s.faulty.addr)...)...)
}

func (s *system) augmenter(name string, workers int) *process {
	return s.augmenterOver(s.faulty, name, workers)
}

// augmenterOver is an augmenter that has its images by way of f.
func (s *system) augmenterOver(f *faultyS3, name string, workers int) *process {
	args := append([]string{"augmenter", "--name", name, "--workers", fmt.Sprint(workers)}, s.addresses(f.addr)...)
	return s.service(name, args...)
}

func (s *system) service(name string, args ...string) *process {
	return s.start(name, "selfstream", args...)
}

// ask publishes the request for the run. Asking again spares a restarted
// trainer the wait for the first request to be delivered again.
func (s *system) ask() {
	s.t.Helper()
	s.await("the request to be taken", func() bool {
		args := slices.Concat([]string{"run"}, s.addresses("127.0.0.1:"+s.s3Port), chaosConfig)
		var out bytes.Buffer
		return run(s.t.Context(), args, &out, &out) == 0
	})
}

// begin starts a whole system at work on the run.
func begin(t *testing.T, augmenters ...string) (*system, *process) {
	t.Helper()
	s := newSystem(t)
	s.ask()
	trainer := s.trainer()
	for _, name := range augmenters {
		s.augmenter(name, 1)
	}
	return s, trainer
}

// status is the run's last word on itself.
func (s *system) status() (status ledger.Status) {
	if s.ledger == nil {
		cfg := bucket.Config{Endpoint: "127.0.0.1:" + s.s3Port, AccessKey: chaosKey, SecretKey: chaosSecret, Region: "us-east-1"}
		b, err := bucket.Open(s.t.Context(), cfg, runsBucket)
		if err != nil {
			return status // the S3 is away
		}
		s.t.Cleanup(b.Close)
		s.ledger = ledger.New(b)
	}
	_ = s.ledger.Read(s.t.Context(), chaosRun, ledger.State, &status) // there is none yet, or the S3 is away
	return status
}

// reach waits until the run has got to a step that it wrote down.
func (s *system) reach(step int) {
	s.t.Helper()
	s.await(fmt.Sprintf("step %d", step), func() bool {
		status := s.status()
		if status.State == ledger.Failed {
			s.t.Fatalf("the run failed: %s", status.Error)
		}
		return status.Step >= step
	})
}

// finish waits for the end of the run and holds its digests against those of
// the undisturbed run.
func (s *system) finish() {
	s.t.Helper()
	want := undisturbed(s.t)
	have := s.end(ledger.Finished)
	if have.BatchesSHA256 != want.BatchesSHA256 || have.WeightsSHA256 != want.WeightsSHA256 {
		s.t.Errorf("have digests %s and %s, want those of the undisturbed run, %s and %s",
			have.BatchesSHA256, have.WeightsSHA256, want.BatchesSHA256, want.WeightsSHA256)
	}
	if have.SamplesTrained != want.SamplesTrained || have.Rejected != 0 {
		s.t.Errorf("have %d samples and %d holes, want %d and 0", have.SamplesTrained, have.Rejected, want.SamplesTrained)
	}
}

// end waits for the run to end in a state.
func (s *system) end(state string) summary {
	s.t.Helper()
	s.await("the end of the run", func() bool {
		have := s.status().State
		return have == ledger.Finished || have == ledger.Failed
	})
	sum := s.summary()
	if sum.State != state {
		s.t.Fatalf("the run: have %s (%s), want %s", sum.State, sum.Error, state)
	}
	return sum
}

// summary is what selfstream runs --json says of the run, past the faults.
func (s *system) summary() (sum summary) {
	s.t.Helper()
	args := append([]string{"runs", chaosRun, "--json"}, s.addresses("127.0.0.1:" + s.s3Port)[2:]...)
	code, stdout, stderr := selfstream(s.t, args...)
	if code != 0 {
		s.t.Fatal(stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// await fails the test unless ok becomes true.
func (s *system) await(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Fatalf("waiting for %s: not so after %s", what, patience)
}

// met waits for a fault to have struck.
func (s *system) met(struck <-chan struct{}) {
	s.t.Helper()
	select {
	case <-struck:
	case <-time.After(patience):
		s.t.Fatal("the fault struck nobody")
	}
}

// jetStream is a connection of the test's own.
func (s *system) jetStream() jetstream.JetStream {
	s.t.Helper()
	nc, err := nats.Connect(s.natsURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// process is the test binary standing in for something.
type process struct {
	t    *testing.T
	name string
	as   string
	args []string
	log  syncBuffer

	cmd    *exec.Cmd
	exited chan struct{}
}

// start starts a process that is killed when the test ends. Its log is shown if
// the test has failed by then.
func (s *system) start(name, as string, args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, name: name, as: as, args: args}
	p.restart()
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("log of %s:\n%s", name, tail(p.log.String(), 40))
		}
	})
	return p
}

// restart starts a process that is not running.
func (p *process) restart() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), "SELFSTREAM_TEST_AS="+p.as)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	_, err := p.cmd.StdinPipe() // which Wait closes
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		_ = cmd.Wait() // it was killed
	}(p.cmd, p.exited)
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // unless it is gone already
	<-p.exited
}

// terminate ends the process as an operator would.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end when it is told to", p.name)
	}
}

func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Errorf("signalling %s: %v", p.name, err)
	}
}

func (p *process) stop() { p.t.Helper(); p.signal(syscall.SIGSTOP) }
func (p *process) wake() { p.t.Helper(); p.signal(syscall.SIGCONT) }

func (p *process) said(words string) bool { return strings.Contains(p.log.String(), words) }

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// syncBuffer is a buffer that one goroutine reads while another writes.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}
func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.buf.String() }
