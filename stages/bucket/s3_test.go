package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selfstream/stages/bucket"
	"selfstream/stages/bucket/buckettest"
)

// front is a server before the real one that may answer in its place.
type front struct {
	*httptest.Server
	requests atomic.Int32
	conns    atomic.Int32

	// instead is called with the number of the request since the last reset,
	// from 1, and tells whether it has answered.
	instead func(n int32, w http.ResponseWriter, r *http.Request) bool
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{instead: func(int32, http.ResponseWriter, *http.Request) bool { return false }}
	real := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server.Config.Endpoint})
	real.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.instead(f.requests.Add(1), w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.conns.Add(1)
		}
	}
	f.Start()
	t.Cleanup(f.Close)
	return f
}

// open opens a new bucket through f and resets f's counts.
func (f *front) open(t *testing.T) *bucket.S3 {
	t.Helper()
	c := server.Config
	c.Endpoint = f.URL
	b, err := bucket.Open(t.Context(), c, fmt.Sprintf("test-%d", buckets.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.Hurry(10 * time.Second)
	f.requests.Store(0)
	return b
}

// The ways in which a request fails that may succeed next time.

func busy(_ int32, w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func hangUp(int32, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// cutOff announces more than it sends.
func cutOff(_ int32, w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Length", "1000")
	w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusOK)
	fmt.Fprint(w, "<ListBucketResult>only the beg")
	panic(http.ErrAbortHandler)
}

func silent(_ int32, _ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}

// TestS3ThroughTrouble runs the conformance suite while every third request
// fails in one way or another.
func TestS3ThroughTrouble(t *testing.T) {
	ways := []func(int32, http.ResponseWriter, *http.Request) bool{busy, hangUp, cutOff}
	buckettest.Run(t, func(t *testing.T) bucket.Bucket {
		f := newFront(t)
		b := f.open(t)
		f.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool {
			way := n / 3 % int32(len(ways))
			if n%3 != 0 || r.Method == http.MethodPut && way == 2 { // an answer to PUT has no body to cut off
				return false
			}
			return ways[way](n, w, r)
		}
		return b
	})
}

func TestS3Retries(t *testing.T) {
	for _, tc := range []struct {
		name string
		way  func(int32, http.ResponseWriter, *http.Request) bool
	}{{"busy", busy}, {"hung up", hangUp}, {"cut off", cutOff}, {"silent", silent}} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFront(t)
			b := f.open(t)
			if err := b.Put(t.Context(), "k", []byte("data")); err != nil {
				t.Fatal(err)
			}
			b.Hurry(time.Second)
			f.requests.Store(0)
			f.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool { return n <= 2 && tc.way(n, w, r) }
			data, _, err := b.Get(t.Context(), "k", 10)
			if err != nil || string(data) != "data" {
				t.Errorf("have %q, %v, want data", data, err)
			}
			if n := f.requests.Load(); n != 3 {
				t.Errorf("have %d requests, want 3", n)
			}

			b.Hurry(50 * time.Millisecond)
			f.requests.Store(0)
			f.instead = tc.way
			_, _, err = b.Get(t.Context(), "k", 2000)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("have error %v, want one of the server", err)
			}
			// net/http itself asks once more where a kept connection fails.
			if n := f.requests.Load(); n < 8 || n > 9 {
				t.Errorf("have %d requests, want 8 or 9 before giving up", n)
			}
		})
	}
}

// TestS3ListGoesOn breaks a listing between its pages and within one.
func TestS3ListGoesOn(t *testing.T) {
	f := newFront(t)
	b := f.open(t)
	var want []string
	for i := range 1001 {
		want = append(want, fmt.Sprintf("%04d", i))
		path := filepath.Join(server.Dir, fmt.Sprintf("test-%d", buckets.Load()), want[i])
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool {
		switch n {
		case 1, 3:
			return busy(n, w, r)
		case 4, 5:
			return cutOff(n, w, r)
		}
		return false
	}
	var have []string
	for info, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, info.Key)
	}
	if !slices.Equal(have, want) {
		t.Errorf("have %d keys, want %d, each once and in order", len(have), len(want))
	}
	if n := f.requests.Load(); n != 6 {
		t.Errorf("have %d requests, want 6: two pages, four failures", n)
	}
}

func TestS3DoesNotRetry(t *testing.T) {
	f := newFront(t)
	b := f.open(t)
	if err := b.Put(t.Context(), "k", []byte("data")); err != nil {
		t.Fatal(err)
	}
	full := func(_ int32, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInsufficientStorage)
		fmt.Fprint(w, "<Error><Code>InsufficientStorage</Code><Message>No space left on device.</Message></Error>")
		return true
	}
	for _, tc := range []struct {
		name    string
		instead func(int32, http.ResponseWriter, *http.Request) bool
		do      func() error
		want    string
	}{
		{"missing", nil, func() error { _, _, err := b.Get(t.Context(), "x", 10); return err }, "file does not exist"},
		{"too large", nil, func() error { _, _, err := b.Get(t.Context(), "k", 3); return err }, "4 bytes"},
		{"disk full", full, func() error { return b.Put(t.Context(), "k", nil) }, "make room"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f.requests.Store(0)
			f.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool {
				return tc.instead != nil && tc.instead(n, w, r)
			}
			err := tc.do()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %v, want %q", err, tc.want)
			}
			if n := f.requests.Load(); n != 1 {
				t.Errorf("have %d requests, want 1", n)
			}
		})
	}
}

// TestS3GetDoesNotReadTooMuch announces more bytes than this machine has.
func TestS3GetDoesNotReadTooMuch(t *testing.T) {
	f := newFront(t)
	b := f.open(t)
	f.instead = func(_ int32, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", strconv.FormatInt(1<<50, 10))
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done() // nothing comes, and the client goes
		return true
	}
	_, info, err := b.Get(t.Context(), "k", 1<<20)
	if !errors.Is(err, bucket.ErrTooLarge) || info.Size != 1<<50 {
		t.Errorf("have %+v, %v, want %v", info, err, bucket.ErrTooLarge)
	}
}

// TestS3KeepsConnections reads many small objects at once.
func TestS3KeepsConnections(t *testing.T) {
	const workers = 32
	f := newFront(t)
	b := f.open(t)
	if err := b.Put(t.Context(), "k", []byte("small")); err != nil {
		t.Fatal(err)
	}
	f.conns.Store(0)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range 10 {
				if _, _, err := b.Get(t.Context(), "k", 10); err != nil {
					t.Error(err)
					return
				}
				if _, _, err := b.Get(t.Context(), "missing", 10); !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := f.conns.Load(); n > 2*workers {
		t.Errorf("have %d connections for %d requests, want about %d", n, f.requests.Load(), workers)
	}
}

func TestOpenRefuses(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()

	with := func(change func(*bucket.Config)) bucket.Config {
		c := server.Config
		change(&c)
		return c
	}
	for _, tc := range []struct {
		name   string
		config bucket.Config
		bucket string
		is     error
		want   []string
	}{
		{"nobody listens", with(func(c *bucket.Config) { c.Endpoint = nobody.Addr().String() }), "b", nil, []string{nobody.Addr().String(), "does not answer", "is it running"}},
		{"no such host", with(func(c *bucket.Config) { c.Endpoint = "host.invalid:9000" }), "b", nil, []string{"host.invalid", "does not answer"}},
		{"no endpoint", with(func(c *bucket.Config) { c.Endpoint = "" }), "b", nil, []string{"endpoint", "want host:port"}},
		{"endpoint with a path", with(func(c *bucket.Config) { c.Endpoint = "http://a/b" }), "b", nil, []string{"endpoint", "want host:port"}},
		{"HTTPS", with(func(c *bucket.Config) { c.Secure = true }), "bucket", nil, []string{"does not speak HTTPS", "http://"}},
		{"wrong secret key", with(func(c *bucket.Config) { c.SecretKey = "wrong" }), "bucket", fs.ErrPermission, []string{server.Config.AccessKey, "check access key and secret key"}},
		{"wrong access key", with(func(c *bucket.Config) { c.AccessKey = "nobody" }), "bucket", fs.ErrPermission, []string{`"nobody"`, "check access key and secret key"}},
		{"anonymous", with(func(c *bucket.Config) { c.AccessKey, c.SecretKey = "", "" }), "bucket", fs.ErrPermission, []string{"check access key and secret key"}},
		{"bucket name", server.Config, "No Bucket", nil, []string{"No Bucket"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			_, err := bucket.Open(t.Context(), tc.config, tc.bucket)
			if err == nil {
				t.Fatal("have no error")
			}
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("took %v, want seconds", took)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("have error %v, want %v", err, tc.is)
			}
			for _, want := range append(tc.want, tc.bucket) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have error %q, want one with %q", err, want)
				}
			}
		})
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bucket.Open(ctx, server.Config, "bucket"); !errors.Is(err, context.Canceled) {
		t.Errorf("have error %v, want %v", err, context.Canceled)
	}
}

// TestS3BucketGone: a bucket that disappears is not a lot of missing objects.
func TestS3BucketGone(t *testing.T) {
	b := openS3(t)
	if err := os.RemoveAll(filepath.Join(server.Dir, fmt.Sprintf("test-%d", buckets.Load()))); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.Get(t.Context(), "k", 10)
	if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no such bucket") {
		t.Errorf("have error %v, want one about the bucket", err)
	}
}

// TestS3AfterRefusedPut: what the server did not read of a refused object does
// not spoil the next request on the connection.
func TestS3AfterRefusedPut(t *testing.T) {
	b := openS3(t)
	if err := b.Put(t.Context(), "a", []byte("a")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := b.Put(t.Context(), "a/b", make([]byte, 1<<20)); err == nil {
			t.Fatal("an object below an object: have no error")
		}
		if _, _, err := b.Get(t.Context(), "a", 10); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenAtOnce: of many processes that find no bucket, all but one find it
// made when they make it.
func TestOpenAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			b, err := bucket.Open(t.Context(), server.Config, "at-once")
			if err != nil {
				t.Error(err)
				return
			}
			b.Close()
		})
	}
	all.Wait()
}

func TestOpenAgain(t *testing.T) {
	c := server.Config
	c.Endpoint = "http://" + c.Endpoint + "/"
	c.Region = "" // asked of the server
	for range 2 {
		b, err := bucket.Open(t.Context(), c, "again")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Put(t.Context(), "k", []byte("x")); err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
}
