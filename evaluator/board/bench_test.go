package board

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"selfstream/evaluator"
	"selfstream/evaluator/exhibit"
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
	b.restart()
	return b
}

// restart has another evaluator serve the board, which knows nothing.
func (b *bench) restart() {
	ctx, stop := context.WithCancel(b.t.Context())
	server := httptest.NewServer(New(ctx, Config{Flow: b.flow, Runs: b.ledger.Bucket(), Beat: 10 * time.Millisecond}))
	b.url = server.URL
	b.t.Cleanup(func() { stop(); server.CloseClientConnections(); server.Close() })
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
	x := &exhibit.Exhibit{Run: run, Step: step, K: 2, Variance: []float32{0.5, 0.25}, Perplexity: 6.5, Spectrum: []float32{0.6, 0.3, 0.1}, Confusion: make([]int32, 100)}
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
		x.TSNE = append(x.TSNE, float32(i%10), float32(i/10))
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
