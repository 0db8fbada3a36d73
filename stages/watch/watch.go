// Package watch turns what services count into pages for those who watch them:
// /metrics for Prometheus, and /healthz.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Off is the port that means no pages at all.
const Off = -1

// Options of the pages.
type Options struct {
	Host    string                      // to listen on
	Port    int                         // 0: any free one
	Health  func(context.Context) error // what keeps the service from its work just now, or nil
	Metrics []prometheus.Collector      // besides those of the process
	Home    http.Handler                // of all other pages; nil: there are none
	Log     *slog.Logger
}

// patience is with what is looked at for /healthz. Those who ask give up soon.
const patience = 3 * time.Second

// Server shows the pages until it is closed.
type Server struct {
	http *http.Server
	addr net.Addr
}

// Start begins to listen. Whoever reaches the port may read the pages; nothing
// can be changed there.
func Start(o Options) (*Server, error) {
	metrics, err := registry(o.Metrics)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d of %s, wanted for /metrics and /healthz, is taken by another program: stop it or choose another port with --http-port (0: any free one, %d: none)", o.Port, o.Host, Off)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for /metrics and /healthz: %w: choose another address with --host, or another port with --http-port", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if err := o.Health(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	if o.Home != nil {
		mux.Handle("/", o.Home)
	}
	s := &Server{
		http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)},
		addr: ln.Addr(),
	}
	go func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Warn("showing /metrics and /healthz", "err", err)
		}
	}()
	return s, nil
}

// registry is one of its own: that of client_golang is shared by all that a
// process links.
func registry(metrics []prometheus.Collector) (*prometheus.Registry, error) {
	r := prometheus.NewPedanticRegistry()
	own := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(own, metrics...) {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return r, nil
}

// URL is where the pages are, such as "http://127.0.0.1:8080".
func (s *Server) URL() string { return "http://" + s.addr.String() }

// Close stops listening and cuts off who still reads.
func (s *Server) Close() error { return s.http.Close() }
