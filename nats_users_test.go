package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
	"selfstream/stages/local"
	"selfstream/stages/scenes"
)

// natsServer starts a NATS with deploy/nats/nats.conf, but for what tune
// changes and for where it keeps things and listens.
func natsServer(t *testing.T, tune ...func(*server.Options)) *server.Server {
	t.Helper()
	for service := range schemas.AllRights() {
		t.Setenv("NATS_"+strings.ToUpper(service)+"_PASSWORD", "password-of-"+service)
	}
	o, err := server.ProcessConfigFile("deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	o.StoreDir, o.NoLog, o.NoSigs = t.TempDir(), true, true
	for _, f := range tune {
		f(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS is not ready")
	}
	return s
}

// photoS3 starts an S3 with some photos.
func photoS3(t *testing.T) *local.S3 {
	t.Helper()
	dir := t.TempDir()
	for key, png := range scenes.All(1, 2, 0) {
		name := filepath.Join(dir, "s3", datasetsBucket, "photos", filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s3, err := local.StartS3(t.Context(), local.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s3.Close() })
	return s3
}

// team are services in this process, and what they log.
type team struct {
	t    *testing.T
	args func(service string) []string // to find the servers and be let in
	logs map[string]*syncBuffer
}

// start starts a service that stops when the test ends.
func (f *team) start(args ...string) {
	f.t.Helper()
	log := new(syncBuffer)
	f.logs[args[0]] = log
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if code := run(ctx, append(args, f.args(args[0])...), log, log); code != 0 {
			f.t.Errorf("%s: have exit code %d", args[0], code)
		}
	})
	f.t.Cleanup(func() {
		stop()
		running.Wait()
		if f.t.Failed() {
			f.t.Logf("log of %s:\n%s", args[0], tail(log.String(), 40))
		}
	})
}

// runs starts all services, has them do a run, and returns when it is probed.
// Nobody may have been refused anything.
func (f *team) runs(b bucket.Bucket) {
	f.t.Helper()
	f.start("augmenter", "--workers", "1") // which waits for the trainer
	f.start("evaluator", "--backend", "go", "--http-port", "0")
	f.start("trainer", "--backend", "go")
	ask := []string{"run", "--dataset", "photos", "--name", "r", "--image-size", "16", "--batch", "10", "--epochs", "2", "--snapshot-every", "2", "--set", "dim=16"}
	if code, stdout, stderr := selfstream(f.t, append(ask, f.args(schemas.PersonService)...)...); code != 0 {
		f.t.Fatalf("run: have %d, %s, %s", code, stdout, stderr)
	}
	l := ledger.New(b)
	flowtest.Eventually(f.t, "the end of the run", func() bool {
		var status ledger.Status
		_ = l.Read(f.t.Context(), "r", ledger.State, &status) // there is none at first
		if status.State == ledger.Failed {
			f.t.Fatal(status.Error)
		}
		return status.State == ledger.Finished
	})
	flowtest.Eventually(f.t, "its probes", func() bool {
		reports, err := l.Reports(f.t.Context(), "r")
		return err == nil && len(reports) > 0 && reports[len(reports)-1].Step == 4
	})
	for service, log := range f.logs {
		for _, word := range []string{"ermission", "AccessDenied", "refuses"} {
			if strings.Contains(log.String(), word) {
				f.t.Errorf("%s: have %q in its log, want nothing refused\n%s", service, word, log)
			}
		}
	}
}

// TestRunWithRights: what each service may do is all that it needs.
func TestRunWithRights(t *testing.T) {
	n, s3 := natsServer(t), photoS3(t)
	b, err := openBuckets(t.Context(), s3.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	f := &team{t: t, logs: map[string]*syncBuffer{}, args: func(service string) []string {
		return []string{
			"--nats", n.ClientURL(), "--nats-user", service, "--nats-password", "password-of-" + service,
			"--s3", "http://" + s3.Config.Endpoint, "--s3-access-key", s3.Config.AccessKey, "--s3-secret-key", s3.Config.SecretKey,
		}
	}}
	f.runs(b.runs)
	if !strings.Contains(f.logs["augmenter"].String(), "waiting for a trainer") {
		t.Logf("the augmenter did not have to wait:\n%s", f.logs["augmenter"])
	}
}
