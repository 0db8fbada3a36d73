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
	"selfstream/stages/access"
	"selfstream/stages/access/accesstest"
	"selfstream/stages/bucket"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
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

// s3WithAccounts is the versitygw of compose.yaml, as a process of its own.
const s3WithAccounts = "s3-accounts"

// serveAccounts runs it on a folder, over TLS if there is a certificate in it.
func serveAccounts(ctx context.Context, _, dir, port string) error {
	o := accesstest.Options{Dir: dir, Config: bucket.Config{Endpoint: "127.0.0.1:" + port, AccessKey: chaosKey, SecretKey: chaosSecret, Region: "us-east-1"}}
	if _, err := os.Stat(filepath.Join(dir, certificateFile)); err == nil {
		o.Certificate, o.Key = filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile)
	}
	return accesstest.Serve(ctx, o)
}

// putPhotos draws some photos into a folder.
func putPhotos(t *testing.T, dir string) {
	t.Helper()
	for key, png := range scenes.All(1, 2, 0) {
		name := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
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

// TestRunWithRights: what each service may do is all that it needs, of NATS and
// of the S3, both over TLS with certificates that nobody else trusts.
func TestRunWithRights(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	makeCertificates(t, dir)
	ca := filepath.Join(dir, authorityFile)
	n := natsServer(t, func(o *server.Options) { // as --tls --tlscert --tlskey
		config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: filepath.Join(dir, certificateFile), KeyFile: filepath.Join(dir, keyFile)})
		if err != nil {
			t.Fatal(err)
		}
		o.TLS, o.TLSConfig = true, config
	})
	putPhotos(t, filepath.Join(dir, "s3", datasetsBucket, "photos"))
	startProcess(t, "S3", s3WithAccounts, dir, port)
	s3 := []string{"--s3", "https://127.0.0.1:" + port, "--s3-ca", ca}
	accounts := append([]string{"accounts", "--s3-access-key", chaosKey, "--s3-secret-key", chaosSecret}, s3...)
	for _, service := range access.Services() {
		accounts = append(accounts, "--"+service+"-secret-key", "secret-of-"+service)
	}
	flowtest.Eventually(t, "accounts", func() bool { // the S3 has to start
		code, _, stderr := selfstream(t, accounts...)
		if code != 0 && !strings.Contains(stderr, "does not answer") {
			t.Fatal(stderr)
		}
		return code == 0
	})
	b, err := openBuckets(t.Context(), bucket.Config{
		Endpoint: "https://127.0.0.1:" + port, CAFile: ca, AccessKey: schemas.PersonService, SecretKey: "secret-of-" + schemas.PersonService, Region: "us-east-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	f := &team{t: t, logs: map[string]*syncBuffer{}, args: func(service string) []string {
		return append([]string{
			"--nats", n.ClientURL(), "--nats-ca", ca, "--nats-user", service, "--nats-password", "password-of-" + service,
			"--s3-access-key", service, "--s3-secret-key", "secret-of-" + service,
		}, s3...)
	}}
	f.runs(b.runs)
	t.Run("strangers", func(t *testing.T) {
		for _, tc := range []struct {
			name, want string
			change     map[string]string
		}{
			{"no authority of NATS", "certificate signed by unknown authority", map[string]string{"--nats-ca": ""}},
			{"no authority of the S3", "let this machine trust the certificate", map[string]string{"--s3-ca": ""}},
			{"no TLS for the S3", "http or https", map[string]string{"--s3": "http://127.0.0.1:" + port}},
			{"another password", "Authorization Violation", map[string]string{"--nats-password": "wrong"}},
			{"another secret key", "secret", map[string]string{"--s3-secret-key": "wrong"}},
		} {
			args := f.args(schemas.PersonService)
			for i := 0; i < len(args); i += 2 {
				if value, ok := tc.change[args[i]]; ok {
					args[i+1] = value
				}
			}
			code, _, stderr := selfstream(t, append([]string{"run", "--dataset", "photos", "--name", "r2"}, args...)...)
			if code != exitFailed || !strings.Contains(stderr, tc.want) {
				t.Errorf("%s: have %d, %s, want %q", tc.name, code, stderr, tc.want)
			}
		}
	})
}
