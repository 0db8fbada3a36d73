package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"selfstream/evaluator"
	"selfstream/evaluator/exhibit"
	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
)

func TestPages(t *testing.T) {
	b := newBench(t)
	if code, body := b.get("/"); code != http.StatusOK || !strings.Contains(body, "There are none yet") {
		t.Errorf("have %d, %s, want a page without runs", code, body)
	}
	b.run("forest-1", ledger.Finished)
	for _, tc := range []struct {
		path  string
		code  int
		wants []string
	}{
		{"/runs/forest-1", 200, []string{
			"step 20 of 40", "gets 65.0 % of 600 held-out images right, 20.0 points more than on those of the untrained encoder (45.0 %)",
			"photos/&lt;b&gt;.jpg", "it is text &amp; no picture", strings.Repeat("ab", 32), "temperature=0.5", "class 9", `data-figure="loss"`, "guessing", "l2 0.01",
		}},
		{"/runs/nowhere", 200, []string{"There is no run of this name yet", "<h1>nowhere", `data-live="/runs/nowhere/live"`}},
		{"/runs/%2e%2e%2fx", 404, []string{"no such run"}},
		{"/runs/A%3Cb%3E", 404, []string{"no such run", "A&lt;b&gt;"}},
		{"/runs/%2e%2e%2fx/live", 404, []string{"no such run"}},
		{"/elsewhere", 404, []string{"there is no page /elsewhere"}},
		{"/board.css", 200, []string{"prefers-color-scheme"}},
		{"/board.js", 200, []string{"EventSource"}},
	} {
		code, body := b.get(tc.path)
		if code != tc.code {
			t.Errorf("%s: have %d, want %d", tc.path, code, tc.code)
		}
		for _, want := range tc.wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: have no %q in %s", tc.path, want, body)
			}
		}
	}
}

// TestMaps: a run whose features have been looked at shows them, and a run with
// labels beside it.
func TestMaps(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Finished)
	b.exhibit("forest-1", 0)
	b.exhibit("forest-1", 20)
	b.run("labels-1", ledger.Finished)
	b.write("labels-1", ledger.Request, schemas.RunRequest{Run: "labels-1", Dataset: "photos", Config: schemas.Config{Method: "supervised", Encoder: "tiny", ImageSize: 32}})
	_, body := b.get("/runs/forest-1")
	for want, times := range map[string]int{
		`href="/runs/forest-1/exhibits/20/images.jpg"`: 1, `href="/runs/forest-1/exhibits/0/images.jpg"`: 1, `data-n="19"`: 4,
		"1.png, class 1, taken for class 0": 6, "class 1 for class 2 (10)": 2, "run labels-1": 1, ">with labels<": 1, "component 1: 50 %": 2,
		"t-SNE, perplexity 6.5": 2, `type="radio" name="layout-forest-1"`: 2,
	} {
		if have := strings.Count(body, want); have < times {
			t.Errorf("have %q %d times, want %d", want, have, times)
		}
	}
	if code, body := b.get("/runs/forest-1/exhibits/20/images.jpg"); code != http.StatusOK || !strings.HasPrefix(body, "\xff\xd8") {
		t.Errorf("have %d and %d bytes, want a JPEG", code, len(body))
	}
	for _, path := range []string{"/runs/forest-1/exhibits/7/images.jpg", "/runs/forest-1/exhibits/x/images.jpg", "/runs/..%2f/exhibits/0/images.jpg"} {
		if code, _ := b.get(path); code != http.StatusNotFound {
			t.Errorf("%s: have %d, want 404", path, code)
		}
	}
}

// TestMapsOfOlderEvaluators: those have kept no t-SNE, so there is nothing to
// switch to.
func TestMapsOfOlderEvaluators(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Finished)
	b.exhibit("forest-1", 20)
	x, err := exhibit.Read(t.Context(), b.ledger.Bucket(), "forest-1", 20)
	if err != nil {
		t.Fatal(err)
	}
	x.TSNE = nil
	if err := exhibit.Write(t.Context(), b.ledger.Bucket(), x); err != nil {
		t.Fatal(err)
	}
	if _, body := b.get("/runs/forest-1"); strings.Contains(body, "switch") || !strings.Contains(body, "component 1: 50 %") {
		t.Error("have a switch, or no map; want the map alone")
	}
}

// TestFindings: all that is known of the features stands on the page of a run and
// in a report, with how it was made; in a report about several runs, side by side.
func TestFindings(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"forest-1", "river-2"} {
		b.run(name, ledger.Finished)
		b.judged(name)
		b.exhibit(name, 20)
	}
	_, body := b.get("/runs/forest-1")
	var report strings.Builder
	if err := Report(t.Context(), &report, b.ledger.Bucket(), []string{"forest-1", "river-2"}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<dt>linear</dt><dd class="protocol">fitted on 160 images, scored on 600 · l2 0.01</dd>`, `<dt>knn</dt><dd class="protocol">fitted on 160 images, scored on 600 · k 20</dd>`,
		`data-figure="balance"`, "<td>few</td><td>25.0 %</td><td>37.5 %</td>", "<td>β, σ = 1</td><td>0.750</td><td>0.875</td>", "With few images to train on: class 0 (5).",
		`data-figure="correlation"`, "data:image/png;base64,", "At step 20 the diagonal is 0.75 on average, and the rest ±0.25.",
		`data-figure="probe-alignment"`, `data-figure="probe-uniformity"`, `data-figure="probe-invariance"`, `data-figure="probe-redundancy"`, "of 160 images · noise 0.08 · views own",
		"On its own images, photos", "<td>finetune, 300 steps at 0.001, 2 seeds</td><td>1 %</td><td>last</td><td>20</td><td>25.0 % (12.5–37.5)</td><td>50.0 % (37.5–62.5)</td><td>&#43;25.0</td>",
		"learning rate 0.001 · steps 300", "On other images, flowers", "scored on 600 images · k 17",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %q", want)
		}
		if have := strings.Count(report.String(), want); have < 2 {
			t.Errorf("the report has %q %d times, want it for each run", want, have)
		}
	}
	for _, want := range []string{
		`<th scope="row">Alignment<p class="protocol">of 160 images · noise 0.08 · views own</p></th><td>0.275</td><td>0.275</td>`,
		`<th scope="row">classes with few</th><td>37.5 %</td><td>37.5 %</td>`,
		`<th scope="row">knn, all labels, last stage, on flowers<p class="protocol">scored on 600 images · k 17</p></th><td>55.0 %, against 30.0 %</td><td>55.0 %, against 30.0 %</td>`,
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report has no %q", want)
		}
	}
}

// TestSkipped: a snapshot that cannot be probed is told of, and does not hide
// what is known of the one before.
func TestSkipped(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Finished)
	b.report(schemas.Report{Run: "forest-1", Step: 40, Probe: evaluator.Skipped, Note: "its file is gone"})
	_, body := b.get("/runs/forest-1")
	for _, want := range []string{"step 20 gets 65.0 %", "The snapshot of step 40 could not be probed: its file is gone", `data-figure="classes"`} {
		if !strings.Contains(body, want) {
			t.Errorf("have no %q in %s", want, body)
		}
	}
}

// TestReport: one file, all runs side by side, nothing from elsewhere.
func TestReport(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"forest-1", "river-2"} {
		b.run(name, ledger.Finished)
		b.exhibit(name, 20)
	}
	var page strings.Builder
	if err := Report(t.Context(), &page, b.ledger.Bucket(), []string{"forest-1", "river-2"}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"photos/&lt;b&gt;.jpg": 2, "data:image/jpeg;base64,": 2, `data-figure="all-linear"`: 1, `data-figure="loss"`: 2, `id="sheet-forest-1-20"`: 1, "prefers-color-scheme": 1,
	} {
		if have := strings.Count(page.String(), want); have < times {
			t.Errorf("have %q %d times, want %d", want, have, times)
		}
	}
	for _, elsewhere := range []string{`src="`, `href="/`, "http://localhost", "url("} {
		if strings.Contains(page.String(), elsewhere) {
			t.Errorf("have %q in a page that should stand alone", elsewhere)
		}
	}
	if err := Report(t.Context(), io.Discard, b.ledger.Bucket(), []string{"nowhere"}, slog.New(slog.DiscardHandler)); !errors.Is(err, history.ErrUnknown) {
		t.Errorf("have %v, want ErrUnknown", err)
	}
}

func TestCSV(t *testing.T) {
	var r history.Run
	r.Run = "a,b"
	r.Curve.Points = []schemas.Metric{{Step: 1, Loss: 2.5, LearningRate: 0.1, Values: map[string]float64{"x": 3}}}
	r.Reports = []schemas.Report{{Step: 1, Probe: "linear", Value: 0.5, PerClass: []schemas.ClassValue{{Class: "cat", Value: 0.25}}}}
	var have strings.Builder
	if err := WriteCSV(&have, []*history.Run{&r}); err != nil {
		t.Fatal(err)
	}
	want := `run,step,what,value
"a,b",1,loss,2.5
"a,b",1,learning_rate,0.1
"a,b",1,images_per_second,0
"a,b",1,wait_share,0
"a,b",1,value x,3
"a,b",1,probe linear,0.5
"a,b",1,probe linear class cat,0.25
`
	if have.String() != want {
		t.Errorf("have %s, want %s", have.String(), want)
	}
}

// TestRunsLive: the list shows runs that begin while it is looked at.
func TestRunsLive(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Running)
	began := false
	b.events("/live", func(parts map[string]string) bool {
		if !began {
			began = true
			b.run("river-2", ledger.Running)
			b.publish(&schemas.Metric{Run: "river-2", Time: time.Now().Add(time.Second), Step: 33, Steps: steps, State: ledger.Running})
		}
		return strings.Contains(parts["runs"], "/runs/forest-1") && strings.Contains(parts["runs"], "/runs/river-2")
	})
}

// TestRunAwaited: the page of a run that has been asked for and has not begun
// waits for it, and goes on as any other.
func TestRunAwaited(t *testing.T) {
	b := newBench(t)
	awaited := false
	b.events("/runs/forest-1/live", func(parts map[string]string) bool {
		if !awaited {
			awaited = strings.Contains(parts["head"], "There is no run of this name yet")
			if !awaited || parts["settings"] != "" {
				t.Errorf("have %v, want a page that waits", parts)
			}
			b.run("forest-1", ledger.Running)
		}
		return strings.Contains(parts["head"], "step 20 of 40") && parts["settings"] != ""
	})
	b.events("/runs/forest-1/live", func(parts map[string]string) bool {
		b.publish(&schemas.Metric{Run: "forest-1", Time: time.Now().Add(time.Second), Step: 27, Steps: steps, State: ledger.Running})
		return strings.Contains(parts["head"], "step 27 of 40")
	})
}

// TestRunLive: metrics and reports come to the page while it is looked at, and
// who comes back gets what has changed since.
func TestRunLive(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Running)
	began := false
	seen := b.events("/runs/forest-1/live", func(parts map[string]string) bool {
		if !began {
			began = true
			b.publish(&schemas.Metric{
				Run: "forest-1", Time: time.Now().Add(time.Second), Step: 27, Steps: steps, State: ledger.Running, Loss: 2, WaitShare: 0.6, AugmentersWanted: 3.5,
			})
		}
		return strings.Contains(parts["head"], "step 27 of 40") && strings.Contains(parts["stages"], "60 % of its time") && strings.Contains(parts["stages"], "3.5 workers")
	})
	r := schemas.Report{Run: "forest-1", Step: 40, Probe: "linear", Value: 0.8, Test: 600}
	b.report(r)
	b.publish(&r)
	b.events("/runs/forest-1/live?seen="+seen, func(parts map[string]string) bool {
		if _, again := parts["settings"]; again {
			t.Error("have the settings again, want only what has changed")
		}
		return strings.Contains(parts["head"], "80.0 % of 600")
	})
}

// TestRestartedUnderReaders: who looked at a board when its evaluator ended gets
// all of the page from the next one, and from then on what changes.
func TestRestartedUnderReaders(t *testing.T) {
	b := newBench(t)
	b.run("forest-1", ledger.Running)
	at := func(step int) {
		b.publish(&schemas.Metric{Run: "forest-1", Time: time.Now().Add(time.Second), Step: step, Steps: steps, State: ledger.Running})
	}
	var seen string
	for step := 25; step < 30; step++ { // a board that has changed more often than the next one will
		at(step)
		seen = b.events("/runs/forest-1/live", func(parts map[string]string) bool {
			return strings.Contains(parts["head"], fmt.Sprintf("step %d of 40", step))
		})
	}
	b.restart()
	whole := false
	b.events("/runs/forest-1/live?seen="+seen, func(parts map[string]string) bool {
		if !whole && parts["settings"] != "" && parts["learning"] != "" {
			whole = true
			at(31)
		}
		return whole && strings.Contains(parts["head"], "step 31 of 40")
	})
}

// TestReadersShare one topic, which goes when nobody has looked for a while.
func TestReadersShare(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ts := &topics{ctx: ctx, open: map[string]*topic{}}
	fed := 0
	s := subject{"title", "name", func(ctx context.Context, to *topic) error {
		fed++
		to.publish([]part{{ID: "a", HTML: "1"}, {ID: "b", HTML: "1"}})
		<-ctx.Done()
		return nil
	}}
	var first *topic
	for range 50 {
		to, err := ts.join(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		first = to
	}
	if fed != 1 {
		t.Errorf("have %d feeds, want one for all", fed)
	}
	_, version, changed := first.read(0)
	first.publish([]part{{ID: "a", HTML: "1"}, {ID: "b", HTML: "1"}})
	select {
	case <-changed:
		t.Error("have a change, want none: the parts are the same")
	default:
	}
	first.publish([]part{{ID: "a", HTML: "1"}, {ID: "b", HTML: "2"}})
	<-changed
	if parts, _, _ := first.read(version); len(parts) != 1 || parts[0].ID != "b" {
		t.Errorf("have %v, want the part that changed", parts)
	}
	for range maxReaders {
		if err := ts.reader(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := ts.reader(1); err == nil {
		t.Errorf("have more than %d readers, want an error", maxReaders)
	}
}

// TestNothingIsTaken: looking leaves the work queues as they are.
func TestNothingIsTaken(t *testing.T) {
	srv := flowtest.Start(t)
	f := srv.Connect(t)
	l := ledger.New(new(bucket.Memory))
	b := &bench{t: t, flow: f, ledger: l}
	b.run("forest-1", ledger.Running)
	server := httptest.NewServer(New(t.Context(), Config{Flow: f, Runs: l.Bucket()}))
	defer server.Close()
	b.url = server.URL
	js := srv.JetStream(t)
	if _, err := js.Publish(t.Context(), "splits.forest-1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	b.get("/runs/forest-1")
	b.get("/")
	for stream, want := range map[string]uint64{schemas.SplitsStream: 1, schemas.SamplesStream: 0, schemas.SnapshotsStream: 0} {
		s, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs != want {
			t.Errorf("%s: have %d messages, want %d", stream, info.State.Msgs, want)
		}
		for consumer := range s.ListConsumers(t.Context()).Info() {
			if consumer.Delivered.Consumer != 0 {
				t.Errorf("%s: have %d messages delivered to %s, want none", stream, consumer.Delivered.Consumer, consumer.Name)
			}
		}
	}
}
