// Package board turns what is known of the runs into a page for people: how
// each run goes, what its encoder sees, and how good its features are, kept up
// to date while it is looked at.
//
// Pages are made of parts. While anyone looks at a page, its parts are made
// again at most once a second, once for all who look; those that have changed
// are sent as server-sent events. Nothing is watched while nobody looks, and
// nothing is taken from the queues that feed the trainer.
package board

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/chart"
	"selfstream/stages/flow"
	"selfstream/stages/ledger"
)

// Config of a board.
type Config struct {
	Flow     *flow.Flow
	Datasets bucket.Bucket // images
	Runs     bucket.Bucket // what is kept of runs
	Log      *slog.Logger  // nil: silent

	Beat time.Duration // between two looks at what has come; 0: a second
}

// New returns the pages, which are kept up to date until ctx ends:
//
//	/             the runs
//	/runs/RUN     one of them, or that it has not begun yet
//	…/live        the events of a page
//
// Nothing can be changed there.
func New(ctx context.Context, cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Beat == 0 {
		cfg.Beat = time.Second
	}
	b := &board{Config: cfg, ledger: ledger.New(cfg.Runs)}
	b.topics = topics{ctx: ctx, open: map[string]*topic{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.page(b.runsPage))
	mux.HandleFunc("GET /live", b.live(b.runsPage))
	mux.HandleFunc("GET /runs/{run}", b.page(b.runPage))
	mux.HandleFunc("GET /runs/{run}/live", b.live(b.runPage))
	mux.HandleFunc("GET /runs/{run}/exhibits/{step}/images.jpg", b.sheet)
	mux.HandleFunc("GET /board.css", asset("text/css; charset=utf-8", style))
	mux.HandleFunc("GET /board.js", asset("text/javascript; charset=utf-8", script))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, fmt.Errorf("there is no page %s", r.URL.Path))
	})
	return headers(mux)
}

type board struct {
	Config
	ledger *ledger.Ledger
	topics topics
}

//go:embed page.html parts.html
var templateFiles embed.FS

//go:embed board.css
var boardStyle string

//go:embed board.js
var script string

var style = chart.Style + boardStyle

var templates = template.Must(template.New("").Funcs(words).ParseFS(templateFiles, "*.html"))

// headers allow a page nothing but what it came with.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func asset(kind, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		fmt.Fprint(w, content)
	}
}

// subject is a page: its title, the name of its topic, and what keeps that up
// to date.
type subject struct {
	title, topic string
	feed         func(context.Context, *topic) error
}

func (b *board) runsPage(*http.Request) (subject, error) {
	return subject{"runs", "/", b.watchRuns}, nil
}

func (b *board) runPage(r *http.Request) (subject, error) {
	name := r.PathValue("run")
	if err := schemas.CheckName(name); err != nil {
		return subject{}, fmt.Errorf("%w: %w", history.ErrUnknown, err)
	}
	return subject{name, "/runs/" + name, func(ctx context.Context, t *topic) error { return b.watchRun(ctx, name, t) }}, nil
}

// page serves a page as it is now.
func (b *board) page(find func(*http.Request) (subject, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := find(r)
		if err != nil {
			failed(w, err)
			return
		}
		t, err := b.topics.join(r.Context(), s)
		if err != nil {
			failed(w, err)
			return
		}
		defer b.topics.leave(t)
		parts, version, _ := t.read(0)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		err = templates.ExecuteTemplate(w, "page", map[string]any{
			"Title": s.title, "Parts": parts, "Version": version, "Live": liveURL(s.topic), "Home": s.topic != "/",
		})
		if err != nil {
			b.Log.Debug("sending a page", "err", err)
		}
	}
}

func liveURL(topic string) string {
	if topic == "/" {
		return "/live"
	}
	return topic + "/live"
}

// failed tells what is wrong in words.
func failed(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, history.ErrUnknown):
		fail(w, http.StatusNotFound, err)
	case errors.Is(err, errCrowded), errors.Is(err, context.Canceled):
		fail(w, http.StatusServiceUnavailable, err)
	default:
		fail(w, http.StatusBadGateway, err)
	}
}

func fail(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = templates.ExecuteTemplate(w, "failure", map[string]any{"Title": http.StatusText(code), "Error": err.Error()})
}
