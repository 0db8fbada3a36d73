package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/stages/bucket"
	"selfstream/stages/bucket/buckettest"
)

func start(t testing.TB, o Options) *Local {
	t.Helper()
	l, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func open(t testing.TB, l *Local, name string) *bucket.S3 {
	t.Helper()
	b, err := bucket.Open(t.Context(), l.S3.Config, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func connect(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
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

// TestStateSurvives fills both servers, stops them, and starts them again.
func TestStateSurvives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there yet")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	stream := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}
	big := bytes.Repeat([]byte{7}, 8<<20-1000)

	l := start(t, Options{Dir: dir})
	js := connect(t, l.NATS.URL())
	if _, err := js.CreateStream(t.Context(), stream); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", big); err != nil {
		t.Fatalf("publishing just below 8 MiB: %v", err)
	}
	b := open(t, l, "datasets")
	if err := b.Put(t.Context(), "photos/a.jpg", []byte("a")); err != nil {
		t.Fatal(err)
	}
	before := l.S3.Config
	b.Close()
	js.Conn().Close()
	begin := time.Now()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %v, want seconds at most", took)
	}
	if now, _ := os.Getwd(); now != wd {
		t.Errorf("working directory after Close: have %s, want %s", now, wd)
	}

	// What people do with the folder while nothing runs.
	if err := os.WriteFile(filepath.Join(dir, "s3", "datasets", "photos", "b.jpg"), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}

	l = start(t, Options{Dir: dir})
	if l.S3.Config.AccessKey != before.AccessKey || l.S3.Config.SecretKey != before.SecretKey || len(before.SecretKey) < 40 {
		t.Errorf("credentials: have %+v, want those of the first start, %+v", l.S3.Config, before)
	}
	js = connect(t, l.NATS.URL())
	msg, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := msg.GetMsg(t.Context(), 1); err != nil || !bytes.Equal(kept.Data, big) {
		t.Errorf("message: have error %v, want the message", err)
	}
	b = open(t, l, "datasets")
	for key, want := range map[string]string{"photos/a.jpg": "a", "photos/b.jpg": "by hand"} {
		if have, _, err := b.Get(t.Context(), key, 100); err != nil || string(have) != want {
			t.Errorf("%s: have %q, %v, want %q", key, have, err, want)
		}
	}
}

func TestNATS(t *testing.T) {
	n, err := StartNATS(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	for name, js := range map[string]jetstream.JetStream{
		"TCP":        connect(t, n.URL()),
		"in process": connect(t, "", n.InProcess()),
	} {
		if info, err := js.AccountInfo(t.Context()); err != nil || info == nil {
			t.Errorf("%s: have %v, want JetStream's account", name, err)
		}
		if have := js.Conn().MaxPayload(); have != 8<<20 {
			t.Errorf("%s: max payload: have %d, want 8 MiB", name, have)
		}
	}
	if !strings.HasPrefix(n.URL(), "nats://127.0.0.1:") {
		t.Errorf("URL: have %s, want one of this machine alone", n.URL())
	}
	resp, err := http.Get(n.MonitorURL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("healthz: have status %s", resp.Status)
	}
}

// TestNATSBears more in flight than a stream takes in by default, which is
// 128 MiB.
func TestNATSBears(t *testing.T) {
	n, err := StartNATS(t.Context(), Options{Dir: t.TempDir(), MonitorPort: MonitorOff})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	if url := n.MonitorURL(); url != "" {
		t.Errorf("MonitorURL: have %q, want none", url)
	}
	js := connect(t, "", n.InProcess())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	var acks []jetstream.PubAckFuture
	for range 160 {
		ack, err := js.PublishAsync("s", make([]byte, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case err := <-ack.Err():
			t.Fatal(err)
		case <-ack.Ok():
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func TestSidecarConformance(t *testing.T) {
	s, err := StartS3(t.Context(), Options{Dir: t.TempDir(), noAttributes: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	n := 0
	buckettest.Run(t, func(t *testing.T) bucket.Bucket {
		if strings.HasSuffix(t.Name(), "/ReplaceCrowd") {
			t.Skip("an object and its ETag are two files here, and are not read as one")
		}
		n++
		b, err := bucket.Open(t.Context(), s.Config, fmt.Sprintf("test-%d", n))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	})
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := func(text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "credentials.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	used := t.TempDir()
	f, err := lock(used)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	for _, tc := range []struct {
		name string
		o    Options
		want []string
	}{
		{"NATS port", Options{Dir: t.TempDir(), NATSPort: port}, []string{strconv.Itoa(port), "NATS", "is taken", "--nats-port"}},
		{"monitoring port", Options{Dir: t.TempDir(), MonitorPort: port}, []string{strconv.Itoa(port), "monitoring", "is taken", "--http-port"}},
		{"S3 port", Options{Dir: t.TempDir(), S3Port: port}, []string{strconv.Itoa(port), "S3", "is taken", "--s3-port"}},
		{"port out of range", Options{Dir: t.TempDir(), S3Port: 70000}, []string{"70000", "S3", "--s3-port"}},
		{"foreign address", Options{Dir: t.TempDir(), Host: "192.0.2.1"}, []string{"192.0.2.1", "NATS"}},
		{"folder is a file", Options{Dir: file}, []string{file, "state folder", "--state"}},
		{"folder below a file", Options{Dir: filepath.Join(file, "state")}, []string{file, "state folder", "--state"}},
		{"folder in use", Options{Dir: used}, []string{used, "in use", "process " + strconv.Itoa(os.Getpid()), "--state"}},
		{"one key of two", Options{Dir: t.TempDir(), AccessKey: "A"}, []string{"access key and secret key", "both or none"}},
		{"broken credentials", Options{Dir: broken("{")}, []string{"credentials.json", "repair"}},
		{"empty credentials", Options{Dir: broken("{}")}, []string{"credentials.json", "repair"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := Start(t.Context(), tc.o)
			if err == nil {
				l.Close()
				t.Fatal("have no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have error %q, want one with %q", err, want)
				}
			}
			// Whatever was started is stopped again.
			if tc.o.Dir != used && !strings.Contains(tc.name, "file") {
				f, err := lock(tc.o.Dir)
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

func TestStartCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("have error %v, want %v", err, context.Canceled)
	}
}

func TestHosts(t *testing.T) {
	for _, host := range []string{"", "localhost", "0.0.0.0", "::"} {
		t.Run(host, func(t *testing.T) {
			l := start(t, Options{Dir: t.TempDir(), Host: host})
			if err := open(t, l, "bucket").Put(t.Context(), "k", nil); err != nil {
				t.Error(err)
			}
			connect(t, l.NATS.URL())
			for _, at := range []string{l.NATS.URL(), l.NATS.MonitorURL(), "http://" + l.S3.Config.Endpoint} {
				if !strings.Contains(at, "//127.0.0.1:") && !strings.Contains(at, "//[::1]:") {
					t.Errorf("have %s, want an address that clients can connect to", at)
				}
			}
		})
	}
}

// TestSecondS3 leaves the first one alone.
func TestSecondS3(t *testing.T) {
	l := start(t, Options{Dir: t.TempDir()})
	b := open(t, l, "bucket")
	if _, err := StartS3(t.Context(), Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "runs one already") {
		t.Errorf("have error %v, want one that says so", err)
	}
	if err := b.Put(t.Context(), "k", nil); err != nil {
		t.Errorf("the first one afterwards: %v", err)
	}
}

// TestCloseWithSilentClient holds a connection open that says nothing, for
// which the server itself would wait ten seconds.
func TestCloseWithSilentClient(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	l := start(t, Options{Dir: t.TempDir()})
	conn, err := net.Dial("tcp", l.S3.Config.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %v, want seconds at most", took)
	}
	l = start(t, Options{Dir: t.TempDir()})
	if err := open(t, l, "bucket").Put(t.Context(), "k", nil); err != nil {
		t.Error(err)
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	drawn, err := Options{Dir: dir}.credentials()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Stat(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && file.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json: have mode %v, want 0600", file.Mode())
	}
	other, err := Options{Dir: t.TempDir()}.credentials()
	if err != nil {
		t.Fatal(err)
	}
	if drawn == other || drawn.SecretKey == other.SecretKey {
		t.Errorf("two folders: have the same credentials %v", drawn)
	}
	given, err := Options{Dir: dir, AccessKey: "A", SecretKey: "S"}.credentials()
	if want := (credentials{"A", "S"}); err != nil || given != want {
		t.Errorf("given: have %v, %v, want %v", given, err, want)
	}
	if kept, err := (Options{Dir: dir}).credentials(); err != nil || kept != drawn {
		t.Errorf("kept: have %v, %v, want %v", kept, err, drawn)
	}
}

// TestQuiet: the servers say nothing where the command writes its results.
func TestQuiet(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	l, err := Start(t.Context(), Options{Dir: t.TempDir(), noAttributes: true})
	if err == nil {
		var b *bucket.S3
		if b, err = bucket.Open(t.Context(), l.S3.Config, "bucket"); err == nil {
			err = b.Put(t.Context(), "k", []byte("x"))
			if _, _, missing := b.Get(t.Context(), "missing", 1); missing == nil {
				t.Error("Get of a missing object: have no error")
			}
			b.Close()
		}
		err = errors.Join(err, l.Close())
	}
	os.Stdout, os.Stderr = stdout, stderr
	w.Close()
	said, _ := io.ReadAll(r)
	if err != nil || len(said) > 0 {
		t.Errorf("have %q, %v, want silence", said, err)
	}
}
