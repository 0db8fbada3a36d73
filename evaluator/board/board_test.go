package board

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
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
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
)

// bench is a board on a NATS of its own.
type bench struct {
	t      *testing.T
	flow   *flow.Flow
	ledger *ledger.Ledger
	url    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, flow: flowtest.Start(t).Connect(t), ledger: ledger.New(new(bucket.Memory))}
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(New(ctx, Config{Flow: b.flow, Runs: b.ledger.Bucket(), Beat: 10 * time.Millisecond}))
	b.url = server.URL
	t.Cleanup(func() { stop(); server.CloseClientConnections(); server.Close() })
	return b
}

const steps = 40

// run keeps a run of ten classes in the middle of its way.
func (b *bench) run(name, state string) {
	b.t.Helper()
	var curve ledger.Curve
	for step := 1; step <= steps/2; step++ {
		m := schemas.Metric{Step: step, Steps: steps, State: ledger.Running, Loss: 5 - float64(step)/20, LearningRate: 1e-3, ImagesPerSecond: 90, Values: map[string]float64{"accuracy": 0.3}}
		if step%5 == 0 {
			m.Collapse = &schemas.Collapse{Std: 0.08, StdIdeal: 0.09, Rank: 20 + float64(step), Dim: 128, Chance: 5.5}
		}
		curve.Add(m)
	}
	config := schemas.Config{
		Method: "simclr", Settings: map[string]string{"temperature": "0.5"}, Encoder: "tiny", ImageSize: 32, Steps: steps, Batch: 16, Seed: 1,
		Optimizer: "adamw", LearningRate: 1e-3, SnapshotEvery: 20,
	}
	b.write(name, ledger.Request, schemas.RunRequest{Run: name, Dataset: "photos", Config: config})
	b.write(name, ledger.State, ledger.Status{
		Run: name, State: state, Step: steps / 2, Steps: steps, Epoch: 2.5, Images: 160, Updated: time.Now(), BatchesSHA256: strings.Repeat("ab", 32),
	})
	b.write(name, ledger.Curves, curve)
	b.write(name, ledger.Rejects, []schemas.Reject{{Run: name, ID: 3, Key: "photos/<b>.jpg", Reason: "it is text & no picture"}})
	for i, step := range []int{0, 20} {
		var classes []schemas.ClassValue
		for c := range 10 {
			classes = append(classes, schemas.ClassValue{Class: fmt.Sprintf("class %d", c), Value: float64(c) / 10, Count: 60})
		}
		accuracy := 0.45 + 0.2*float64(i)
		b.report(schemas.Report{Run: name, Step: step, Probe: "linear", Value: accuracy, PerClass: classes, Train: 160, Test: 600, Constants: map[string]string{"l2": "0.01"}})
		b.report(schemas.Report{Run: name, Step: step, Probe: "knn", Value: accuracy - 0.1, Train: 160, Test: 600, Constants: map[string]string{"k": "20"}})
		b.report(schemas.Report{Run: name, Step: step, Probe: "rankme", Value: 30, Train: 160, Constants: map[string]string{"largest": "128"}})
	}
}

// judged adds to a run what says more of its features: figures of their shape,
// how even they are, and what somebody has asked for.
func (b *bench) judged(name string) {
	b.t.Helper()
	for i, step := range []int{0, 20} {
		y := float64(i)
		b.report(schemas.Report{
			Run: name, Step: step, Probe: evaluator.Balance, Value: 0.75 + y/8, Train: 160, Test: 600,
			Values:    map[string]float64{"balancedness_0.2": 0.5, "class_mean": 0.45 + y/5, "std": 0.25, "many": 0.875, "medium": 0.5, "few": 0.25 + y/8},
			Constants: map[string]string{"scale": "1", "of": "linear", "many": "class 9 (50)", "medium": "class 5 (20)", "few": "class 0 (5)"},
		})
		for probe, value := range map[string]float64{"alignment": 0.4 - y/8, "uniformity": -1.5 - y, "invariance": 0.25 + y/2, "redundancy": 0.5 - y/4} {
			b.report(schemas.Report{Run: name, Step: step, Probe: probe, Value: value, Train: 160, Constants: map[string]string{"views": "own", "noise": "0.08"}})
		}
		ask := func(r schemas.Report) {
			r.Run, r.Step, r.Test = name, step, 600
			b.write(name, ledger.Evaluation(step, r.Probe, fmt.Sprint(r.Dataset, r.Labels)), r)
		}
		ask(schemas.Report{Probe: []string{evaluator.Scratch, evaluator.FineTuned}[i], Labels: 0.01, Value: 0.25 + y/4, Repeats: []float64{0.125 + y/4, 0.375 + y/4}, Constants: map[string]string{"steps": "300", "learning_rate": "0.001"}})
		ask(schemas.Report{Probe: "knn", Dataset: "flowers", Value: 0.3 + y/4, Constants: map[string]string{"k": "17"}})
	}
}

// exhibit keeps a look at 20 images of ten classes and at 5 neighbours.
func (b *bench) exhibit(run string, step int) {
	b.t.Helper()
	x := &exhibit.Exhibit{Run: run, Step: step, K: 2, Variance: []float32{0.5, 0.25}, Spectrum: []float32{0.6, 0.3, 0.1}, Confusion: make([]int32, 100)}
	for c := range 10 {
		x.Classes = append(x.Classes, fmt.Sprintf("class %d", c))
		x.Confusion[11*c] = 50
	}
	x.Confusion[12] = 10 // class 1 for class 2
	for i := range 25 {
		x.Keys = append(x.Keys, fmt.Sprintf("photos/class %d/%d.png", i%10, i))
		x.Labels = append(x.Labels, int32(i%10))
	}
	for i := range 20 {
		x.Map = append(x.Map, float32(i%5), float32(i/5))
		x.Neighbours = append(x.Neighbours, int32(20+i%5), int32((i+10)%20))
		x.Similarity = append(x.Similarity, 0.9, 0.8)
		x.Predicted = append(x.Predicted, int32(i%10)&^1)
	}
	const tile, columns = 16, 5
	sheet := image.NewRGBA(image.Rect(0, 0, tile*columns, tile*columns))
	for y := range tile * columns {
		for x := range tile * columns {
			sheet.Set(x, y, color.RGBA{uint8(40 * (x / tile)), uint8(40 * (y / tile)), uint8(10 * (x % tile)), 255})
		}
	}
	for i := range 64 * 64 {
		x.Correlation = append(x.Correlation, float32(i%64)/64-float32(i/64)/64)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, sheet, nil); err != nil {
		b.t.Fatal(err)
	}
	x.Sheet = exhibit.Sheet{JPEG: buf.Bytes(), Tile: tile, Columns: columns}
	if err := exhibit.Write(b.t.Context(), b.ledger.Bucket(), x); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(run, document string, v any) {
	b.t.Helper()
	if err := b.ledger.Write(b.t.Context(), run, document, v); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) report(r schemas.Report) {
	b.t.Helper()
	if err := b.ledger.WriteReport(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) publish(m schemas.Message) {
	b.t.Helper()
	if err := b.flow.Publish(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) get(path string) (int, string) {
	b.t.Helper()
	r, err := http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// events reads the parts that a page sends until ok of one of them.
func (b *bench) events(path string, ok func(parts map[string]string) bool) (last string) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	if kind := r.Header.Get("Content-Type"); kind != "text/event-stream" {
		b.t.Fatalf("have %s, want events", kind)
	}
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if id, found := strings.CutPrefix(lines.Text(), "id: "); found {
			last = id
		}
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		parts := map[string]string{}
		if err := json.Unmarshal([]byte(data), &parts); err != nil {
			b.t.Fatal(err)
		}
		if ok(parts) {
			return last
		}
	}
	b.t.Fatalf("have the end of the events (%v), want another one", lines.Err())
	return ""
}

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
		{"/runs/nowhere", 404, []string{"no such run", "nowhere"}},
		{"/runs/%2e%2e%2fx", 404, []string{"no such run"}},
		{"/runs/A%3Cb%3E", 404, []string{"no such run", "A&lt;b&gt;"}},
		{"/runs/nowhere/live", 404, []string{"no such run"}},
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
		`href="/runs/forest-1/exhibits/20/images.jpg"`: 1, `href="/runs/forest-1/exhibits/0/images.jpg"`: 1, `data-n="19"`: 2,
		"1.png, class 1, taken for class 0": 6, "class 1 for class 2 (10)": 2, "run labels-1": 1, ">with labels<": 1, "component 1: 50 %": 2,
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
		`data-figure="balance"`, "<td>classes with few</td><td>25.0 %</td><td>37.5 %</td>", "<td>balancedness β, σ = 1</td><td>0.750</td><td>0.875</td>", "With few images to train on: class 0 (5).",
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
