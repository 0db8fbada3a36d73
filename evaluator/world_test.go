package evaluator

import (
	"bytes"
	"context"
	"fmt"
	stdimage "image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
	"selfstream/stages/ledger"
	"selfstream/stages/random"
	"selfstream/trainer/plan"
	"selfstream/trainer/snapshot"
)

const (
	imageSize = 16
	runName   = "a-run"
)

// world is everything that an evaluator stands on.
type world struct {
	t        *testing.T
	flow     *flow.Flow
	backend  compute.Backend
	datasets *bucket.Memory
	runs     *bucket.Memory

	mu      sync.Mutex
	reports []schemas.Report // in the order of their publication
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, flow: flowtest.Start(t).Connect(t), backend: b, datasets: new(bucket.Memory), runs: new(bucket.Memory)}
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	t.Cleanup(func() { stop(); watching.Wait() })
	watching.Go(func() {
		err := w.flow.Watch(ctx, "reports."+runName, flow.WatchOptions{}, func(d flow.Delivery) error {
			r, err := flow.Decode[schemas.Report](d)
			if err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	return w
}

// published are the reports so far, as "step probe".
func (w *world) published() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, r := range w.reports {
		names = append(names, fmt.Sprint(r.Step, " ", r.Probe))
	}
	return names
}

func (w *world) await(n int) []string {
	w.t.Helper()
	flowtest.Eventually(w.t, fmt.Sprintf("%d reports", n), func() bool { return len(w.published()) >= n })
	return w.published()
}

func (w *world) config() Config {
	return Config{Flow: w.flow, Datasets: w.datasets, Runs: w.runs, Backend: w.backend}
}

// evaluate runs an evaluator until its work is done.
func (w *world) evaluate(cfg Config, reports int) []string {
	w.t.Helper()
	w.until(cfg, fmt.Sprintf("%d reports", reports), func() bool { return len(w.published()) >= reports })
	return w.published()
}

// until runs an evaluator until something is so.
func (w *world) until(cfg Config, what string, done func() bool) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg) }()
	flowtest.Eventually(w.t, what, done)
	stop()
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
}

// draw puts images into the bucket: stripes whose direction is their class.
func (w *world) draw(folder string, class, n int) {
	w.t.Helper()
	for i := range n {
		key := random.New(uint64(class)).Fold(uint64(i))
		m := stdimage.NewRGBA(stdimage.Rect(0, 0, 20, 24))
		for y := range 24 {
			for x := range 20 {
				stripes := []int{x, y, x + y}[class]
				v := uint8(100 + 100*(stripes/3%2) + key.IntN(uint64(y*20+x), 50))
				m.Set(x, y, color.RGBA{v, v, uint8(key.IntN(1000, 256)), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			w.t.Fatal(err)
		}
		w.put(fmt.Sprintf("%s/%02d.png", folder, i), b.Bytes())
	}
}

func (w *world) put(key string, data []byte) {
	w.t.Helper()
	if err := w.datasets.Put(context.Background(), key, data); err != nil {
		w.t.Fatal(err)
	}
}

// snapshot keeps and announces an encoder whose weights depend on the step.
func (w *world) snapshot(step int, final bool, change func(*model.Store)) {
	w.t.Helper()
	store := encoderStore(w.t, uint64(step))
	if change != nil {
		change(store)
	}
	card, err := snapshot.Write(context.Background(), w.runs, store, snapshot.Card{
		Run: runName, Dataset: "stripes", Step: step, Final: final, BatchesSHA256: strings.Repeat("0", 64),
		Config: schemas.Config{
			Method: "simclr", Encoder: "tiny", ImageSize: imageSize, Epochs: 1, Batch: 8, Optimizer: "sgd", LearningRate: 1,
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.announce(step, final, card.WeightsSHA256)
}

func (w *world) announce(step int, final bool, weights string) {
	w.t.Helper()
	err := w.flow.Publish(context.Background(), &schemas.Snapshot{
		Run: runName, Step: step, Prefix: snapshot.Prefix(runName, step), Final: final,
		BatchesSHA256: strings.Repeat("0", 64), WeightsSHA256: weights,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) kept() []schemas.Report {
	w.t.Helper()
	reports, err := ledger.New(w.runs).Reports(context.Background(), runName)
	if err != nil {
		w.t.Fatal(err)
	}
	return reports
}

// train keeps a manifest of so many images of each class.
func (w *world) train(counts ...int) {
	w.t.Helper()
	m := plan.Manifest{Classes: []string{"across", "along", "aslant"}}
	for class, n := range counts {
		m.Images = append(m.Images, slices.Repeat([]schemas.Image{{Label: int32(class)}}, n)...)
	}
	if err := ledger.New(w.runs).Write(context.Background(), runName, ledger.Manifest, m); err != nil {
		w.t.Fatal(err)
	}
}

// balanced holds a report about balance against that of the linear probe before
// it, for train(20, 10, 5).
func (w *world) balanced(r schemas.Report) {
	w.t.Helper()
	i := slices.IndexFunc(w.reports, func(l schemas.Report) bool { return l.Probe == "linear" && l.Step == r.Step })
	linear, want := w.reports[i], map[string]float64{}
	for class, group := range []string{"many", "medium", "few"} {
		a := linear.PerClass[class].Value
		want[group] = a
		want["class_mean"] += a / 3
		for _, other := range linear.PerClass {
			want["balancedness"] += math.Exp(-math.Abs(a-other.Value)) / 9
		}
	}
	for name, v := range want {
		have := r.Values[name]
		if name == "balancedness" {
			have = r.Value
		}
		if math.Abs(have-v) > 1e-12 {
			w.t.Errorf("%d balance: %s: have %g, want %g", r.Step, name, have, v)
		}
	}
	if c := r.Constants; c["many"] != "across (20)" || c["medium"] != "along (10)" || c["few"] != "aslant (5)" || c["image_size"] != "16" || r.Test != linear.Test {
		w.t.Errorf("%d balance: have %+v", r.Step, r)
	}
}
