package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"selfstream/stages/local"
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
	do := serve
	switch as {
	case stranger:
		do = augmentStrangely
	case s3WithAccounts:
		do = serveAccounts
	case clusterNode:
		do = serveNode
	}
	if err := do(ctx, as, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs one of the servers on a folder and a port until ctx ends.
func serve(ctx context.Context, server, dir, port string) error {
	o := local.Options{
		Dir: dir, MonitorPort: local.MonitorOff, AccessKey: chaosKey, SecretKey: chaosSecret,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
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

// process is the test binary standing in for something.
type process struct {
	t    testing.TB
	name string
	as   string
	args []string
	log  syncBuffer

	cmd    *exec.Cmd
	exited chan struct{}
	wanted atomic.Bool // to run
}

// startProcess starts a process that is killed when the test ends.
func startProcess(t testing.TB, name, as string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, as: as, args: args}
	p.restart()
	t.Cleanup(func() {
		if t.Failed() {
			p.confess()
		}
		p.kill()
	})
	return p
}

// confess shows the end of the log of a process, and keeps all of it together
// with what the process is at (go test -artifacts).
func (p *process) confess() {
	p.t.Logf("log of %s:\n%s", p.name, tail(p.log.String(), 40))
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it may be gone
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
	}
	if err := os.WriteFile(filepath.Join(p.t.ArtifactDir(), p.name+".log"), []byte(p.log.String()), 0o644); err != nil {
		p.t.Error(err)
	}
}

// restart starts a process that is not running.
func (p *process) restart() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), "SELFSTREAM_TEST_AS="+p.as, "SELFSTREAM_LOG=debug")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	_, err := p.cmd.StdinPipe() // which Wait closes
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.wanted.Store(true)
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		_ = cmd.Wait() // it was killed
	}(p.cmd, p.exited)
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	p.wanted.Store(false)
	_ = p.cmd.Process.Kill() // unless it is gone already
	<-p.exited
}

// terminate ends the process as an operator would.
func (p *process) terminate() {
	p.t.Helper()
	p.wanted.Store(false)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end when it is told to", p.name)
	}
}

// gaveUp tells whether the process has ended although nobody told it to.
func (p *process) gaveUp() bool {
	select {
	case <-p.exited:
		return p.wanted.Load()
	default:
		return false
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
