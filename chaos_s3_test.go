package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"selfstream/stages/ledger"
)

// faultyS3 is a reverse proxy in front of an S3 that does what networks, disks
// and servers do.
type faultyS3 struct {
	t      testing.TB
	addr   string
	server *http.Server
	count  atomic.Int64 // of requests

	mu    sync.Mutex
	fault fault
}

// fault decides about a request. What it leaves alone it passes to pass.
type fault func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc)

func newFaultyS3(t testing.TB, backend string) *faultyS3 {
	t.Helper()
	f := &faultyS3{t: t, addr: "127.0.0.1:" + freePort(t)}
	proxy := &httputil.ReverseProxy{
		// The signature covers the host that the client has named, so Host stays.
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", backend },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	f.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.count.Add(1)
		f.mu.Lock()
		fault := f.fault
		f.mu.Unlock()
		if fault == nil {
			proxy.ServeHTTP(w, r)
			return
		}
		fault(w, r, proxy.ServeHTTP)
	})}
	ln, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := f.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { f.server.Close() })
	return f
}

// suffer makes all requests from now on suffer a fault, or none if nil.
func (f *faultyS3) suffer(fault fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// sufferUntil does so until that many requests have met the fault, and for that
// long at least.
func (f *faultyS3) sufferUntil(s *system, fault fault, requests int64, least time.Duration) {
	s.t.Helper()
	from, since := f.count.Load(), time.Now()
	f.suffer(fault)
	defer f.suffer(nil)
	s.await("requests that suffer", func() bool { return f.count.Load()-from >= requests && time.Since(since) >= least })
}

// gone is a server that is not there.
func gone(http.ResponseWriter, *http.Request, http.HandlerFunc) { panic(http.ErrAbortHandler) }

// failing answers every n-th request with a code.
func failing(code, n int) fault {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if calls.Add(1)%int64(n) != 0 {
			pass(w, r)
			return
		}
		refuse(w, r, code, map[int]string{500: "InternalError", 503: "SlowDown", 507: "InsufficientStorage"}[code])
	}
}

func refuse(w http.ResponseWriter, r *http.Request, code int, name string) {
	_, _ = io.Copy(io.Discard, r.Body) // or the client hears of a broken pipe
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>`+name+`</Code><Message>chaos</Message></Error>`)
}

// full is a disk without room for anything below runs/.
func full(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/"+runsBucket+"/") {
		refuse(w, r, http.StatusInsufficientStorage, "InsufficientStorage")
		return
	}
	pass(w, r)
}

// slow lets each image wait.
func slow(d time.Duration) fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if isImage(r) {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
		}
		pass(w, r)
	}
}

// both lets what passes one fault meet another.
func both(one, another fault) fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		one(w, r, func(w http.ResponseWriter, r *http.Request) { another(w, r, pass) })
	}
}

// truncating breaks the connection in the middle of every n-th body.
func truncating(n int) fault {
	var calls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if r.Method == http.MethodGet && calls.Add(1)%int64(n) == 0 {
			w = &shortWriter{ResponseWriter: w}
		}
		pass(w, r)
	}
}

// shortWriter is a connection that breaks after half of the body.
type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) WriteHeader(code int) {
	size, _ := strconv.Atoi(w.Header().Get("Content-Length"))
	w.left = size / 2
	w.ResponseWriter.WriteHeader(code)
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		_, _ = w.ResponseWriter.Write(p[:w.left])
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	w.left -= len(p)
	return w.ResponseWriter.Write(p)
}

// onImage calls do as an image is fetched for the first time from now on.
func onImage(do func()) fault {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if isImage(r) {
			once.Do(do)
		}
		pass(w, r)
	}
}

func isImage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/"+datasetsBucket+"/photos/")
}

// onPut calls do once, as a key that ends in suffix is written: before the S3
// has it, which then does not get it, or after, when the writer does not know.
func onPut(suffix string, after bool, do func()) fault {
	return onWrite(func(key string, _ []byte) bool { return strings.HasSuffix(key, suffix) }, after, do)
}

// onFinished calls do once, when the S3 knows that the run is finished.
func onFinished(do func()) fault {
	return onWrite(func(key string, body []byte) bool {
		return strings.HasSuffix(key, "/"+ledger.State) && bytes.Contains(body, []byte(ledger.Finished))
	}, true, do)
}

func onWrite(is func(key string, body []byte) bool, after bool, do func()) fault {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if is(r.URL.Path, body) {
				once.Do(func() {
					if after {
						pass(discard{http.Header{}}, r)
					}
					do()
					panic(http.ErrAbortHandler)
				})
			}
		}
		pass(w, r)
	}
}

// discard is a client that has hung up.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
