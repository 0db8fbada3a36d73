package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	maxReaders = 1000             // of events, all pages together
	linger     = 30 * time.Second // for which a page is kept up when its last reader has left
	pulse      = 15 * time.Second // between signs of life, so that neither side waits for a dead one
)

var errCrowded = errors.New("too many people look at the board")

// part is a section of a page.
type part struct {
	ID      string
	HTML    template.HTML
	version int64 // of the topic, when it changed last
}

// topic is a page that is kept up to date.
type topic struct {
	name  string
	life  context.Context // ends with the feed
	stop  context.CancelFunc
	users int // guarded by topics

	ready chan struct{} // closed when there are parts, or err
	err   error

	mu      sync.Mutex
	parts   []part
	version int64
	changed chan struct{} // closed at the next change
}

// publish replaces the parts. Those that are the same as before keep their
// version.
func (t *topic) publish(parts []part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := map[string]part{}
	for _, p := range t.parts {
		before[p.ID] = p
	}
	// The clock tells the versions of this process from those of the one before,
	// which a browser may still remember.
	version := max(time.Now().UnixNano(), t.version+1)
	fresh := false
	for i, p := range parts {
		if was, ok := before[p.ID]; ok && was.HTML == p.HTML {
			parts[i].version = was.version
			continue
		}
		parts[i].version, fresh = version, true
	}
	first := t.parts == nil
	t.parts = parts
	if fresh {
		t.version = version
		close(t.changed)
		t.changed = make(chan struct{})
	}
	if first {
		close(t.ready)
	}
}

// read returns the parts that have changed since a version, the version of
// now, and a channel that is closed at the next change.
func (t *topic) read(since int64) (parts []part, version int64, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.parts {
		if p.version > since {
			parts = append(parts, p)
		}
	}
	return parts, t.version, t.changed
}

// topics are the pages that someone looks at.
type topics struct {
	ctx     context.Context
	mu      sync.Mutex
	open    map[string]*topic
	readers int // of events
}

// join returns the topic of s when it has something to show, and has it kept up
// until leave.
func (ts *topics) join(ctx context.Context, s subject) (*topic, error) {
	t := ts.enter(s)
	select {
	case <-t.ready:
	case <-ctx.Done():
		ts.leave(t)
		return nil, ctx.Err()
	}
	if t.err != nil {
		ts.leave(t)
		return nil, t.err
	}
	return t, nil
}

func (ts *topics) enter(s subject) *topic {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.open[s.topic]; t != nil {
		t.users++
		return t
	}
	ctx, stop := context.WithCancel(ts.ctx)
	t := &topic{name: s.topic, life: ctx, stop: stop, users: 1, ready: make(chan struct{}), changed: make(chan struct{})}
	ts.open[s.topic] = t
	go func() {
		defer stop()
		err := s.feed(ctx, t)
		ts.mu.Lock()
		ts.forget(t)
		ts.mu.Unlock()
		t.end(err)
	}()
	return t
}

// end tells those who wait that there will be nothing more.
func (t *topic) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parts == nil {
		if t.err = err; err == nil {
			t.err = context.Canceled
		}
		close(t.ready)
	}
}

func (ts *topics) leave(t *topic) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.users--; t.users > 0 {
		return
	}
	time.AfterFunc(linger, func() {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		if t.users == 0 {
			t.stop()
			ts.forget(t)
		}
	})
}

// forget makes the next to join begin anew.
func (ts *topics) forget(t *topic) {
	if ts.open[t.name] == t {
		delete(ts.open, t.name)
	}
}

// reader counts those who read events.
func (ts *topics) reader(n int) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if n > 0 && ts.readers >= maxReaders {
		return errCrowded
	}
	ts.readers += n
	return nil
}

// live sends the parts of a page that change, as JSON objects of id and HTML.
// A reader who is slow misses what is outdated by the time he reads.
func (b *board) live(find func(*http.Request) (subject, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := find(r)
		if err == nil {
			err = b.topics.reader(1)
		}
		if err != nil {
			failed(w, err)
			return
		}
		defer func() { _ = b.topics.reader(-1) }()
		t, err := b.topics.join(r.Context(), s)
		if err != nil {
			failed(w, err)
			return
		}
		defer b.topics.leave(t)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		_ = b.stream(w, r, t) // whoever left cannot be told
	}
}

func (b *board) stream(w http.ResponseWriter, r *http.Request, t *topic) error {
	out := http.NewResponseController(w)
	seen := seenBy(r)
	for {
		parts, version, changed := t.read(seen)
		if seen != 0 && len(parts) == 0 {
			fmt.Fprint(w, ": nothing new\n\n")
		} else if err := send(w, parts, version); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		seen = version
		select {
		case <-changed:
		case <-time.After(pulse):
		case <-r.Context().Done():
			return nil
		case <-t.life.Done():
			return nil
		}
	}
}

// seenBy is the version that a browser has: of the last event, or of the page.
func seenBy(r *http.Request) int64 {
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("seen")} {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			return v
		}
	}
	return 0
}

func send(w http.ResponseWriter, parts []part, version int64) error {
	changed := map[string]template.HTML{}
	for _, p := range parts {
		changed[p.ID] = p.HTML
	}
	data, err := json.Marshal(changed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", version, data)
	return err
}
