package evaluator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	stdimage "image"
	"image/jpeg"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"

	"selfstream/evaluator/exhibit"
	"selfstream/schemas"
	"selfstream/schemas/safetensors"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/tsne"
	"selfstream/stages/view"
)

func (w *world) exhibit(step int) *exhibit.Exhibit {
	w.t.Helper()
	x, err := exhibit.Read(context.Background(), w.runs, runName, step)
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

// exported reads the features as another program would.
func (w *world) exported(step int) (*safetensors.File, Task) {
	w.t.Helper()
	data, _, err := w.runs.Get(context.Background(), featuresKey(runName, step), 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := safetensors.Parse(data)
	if err != nil {
		w.t.Fatal(err)
	}
	t := Task{Classes: listed(w.t, f, "classes")}
	for name, to := range map[string]*Features{"train": &t.Train, "test": &t.Test} {
		x, _ := f.Tensor(name + "_features")
		labels, _ := f.Tensor(name + "_labels")
		if to.X, err = safetensors.Float32s(x); err != nil {
			w.t.Fatal(err)
		}
		if to.Labels, err = safetensors.Int32s(labels); err != nil {
			w.t.Fatal(err)
		}
		to.Dim = x.Shape[1]
	}
	return f, t
}

func listed(t *testing.T, f *safetensors.File, key string) (list []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.Metadata[key]), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestExhibit holds what is kept of a snapshot against its reports and against
// the images.
func TestExhibit(t *testing.T) {
	w := newWorld(t)
	for class, name := range []string{"across", "along", "aslant"} {
		w.draw("stripes/"+name, class, 25)
	}
	w.put("stripes/along/broken.png", []byte("\x89PNG\r\n\x1a\nand then nothing"))
	w.snapshot(0, false, nil)
	w.snapshot(7, true, nil)
	w.evaluate(w.config(), 12)
	var linear, knn schemas.Report
	for _, r := range w.kept() {
		switch {
		case r.Step == 7 && r.Probe == "linear":
			linear = r
		case r.Step == 7 && r.Probe == "knn":
			knn = r
		}
	}
	x := w.exhibit(7)
	if w.exhibit(0).Step != 0 || x.N() != linear.Test || x.K != shownNeighbours || len(x.Classes) != 3 {
		t.Errorf("have %d images and %d neighbours, want %d and %d", x.N(), x.K, linear.Test, shownNeighbours)
	}
	if len(x.TSNE) != len(x.Map) || x.Perplexity != tsne.Perplexity(x.N()) || slices.Equal(x.TSNE, x.Map) {
		t.Errorf("have %d numbers by t-SNE with perplexity %g, want a second map of %d", len(x.TSNE), x.Perplexity, len(x.Map))
	}
	hits, total := 0, 0
	for i, c := range x.Confusion {
		total += int(c)
		if i%4 == 0 {
			hits += int(c)
		}
	}
	if total != linear.Test || math.Abs(float64(hits)/float64(total)-linear.Value) > 1e-12 {
		t.Errorf("have %d of %d confused with themselves, want %g of %d", hits, total, linear.Value, linear.Test)
	}

	f, task := w.exported(7)
	if _, _, err := w.runs.Get(t.Context(), featuresKey(runName, 0), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v, want the older features gone", err)
	}
	verdict, err := DefaultKNN().Judge(t.Context(), task)
	if err != nil || verdict.Value != knn.Value {
		t.Errorf("k-NN on the exported features: have %g and %v, want the report's %g", verdict.Value, err, knn.Value)
	}
	trainKeys, testKeys := listed(t, f, "train_keys"), listed(t, f, "test_keys")
	if len(trainKeys) != task.Train.Len() || len(testKeys) != task.Test.Len() || f.Metadata["probe_sklearn_C"] != linear.Constants["sklearn_C"] {
		t.Errorf("have %d and %d keys, metadata %v", len(trainKeys), len(testKeys), f.Metadata)
	}
	for i := range x.N() {
		if x.Keys[i] != testKeys[i] || x.Labels[i] != task.Test.Labels[i] {
			t.Errorf("image %d: have %s, want %s", i, x.Keys[i], testKeys[i])
		}
		most := nearestByLoop(task.Test.Row(i), task.Train)
		near := x.Keys[x.Neighbours[i*x.K]]
		if near != trainKeys[most] {
			t.Errorf("%s: have the neighbour %s, want %s", x.Keys[i], near, trainKeys[most])
		}
	}
	w.checkTiles(x)
}

// nearestByLoop is the image with the largest cosine.
func nearestByLoop(q []float32, bank Features) int {
	best, most := -1, math.Inf(-1)
	for i := range bank.Len() {
		var dot, norm float64
		for j, v := range bank.Row(i) {
			dot += float64(v) * float64(q[j])
			norm += float64(v) * float64(v)
		}
		if cosine := dot / math.Sqrt(norm); cosine > most {
			best, most = i, cosine
		}
	}
	return best
}

// checkTiles: each tile shows the image of its key.
func (w *world) checkTiles(x *exhibit.Exhibit) {
	w.t.Helper()
	sheet, err := jpeg.Decode(bytes.NewReader(x.Sheet.JPEG))
	if err != nil {
		w.t.Fatal(err)
	}
	for i, key := range x.Keys {
		data, _, err := w.datasets.Get(context.Background(), key, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		img, err := decode.Image(data, decode.DefaultLimits())
		if err != nil {
			w.t.Fatal(err)
		}
		want := view.NewRGB(imageSize, imageSize)
		view.Center(want.Pix, img, imageSize)
		at := stdimage.Pt(i%x.Sheet.Columns, i/x.Sheet.Columns).Mul(x.Sheet.Tile)
		var off float64
		for y := range imageSize {
			for column := range imageSize {
				have, _, _, _ := sheet.At(at.X+column, at.Y+y).RGBA()
				off += math.Abs(float64(have>>8) - float64(want.Pix[3*(y*imageSize+column)]))
			}
		}
		if off /= imageSize * imageSize; off > 20 { // of 255; other images are about 50 away
			w.t.Errorf("%s: have a tile that is %.0f away from it", key, off)
		}
	}
}

// TestExhibitWithoutLabels shows the images that there are, none as its own
// neighbour.
func TestExhibitWithoutLabels(t *testing.T) {
	w := newWorld(t)
	w.draw("stripes", 0, 10)
	w.snapshot(0, true, nil)
	w.evaluate(w.config(), 4)
	x := w.exhibit(0)
	if x.N() != 10 || len(x.Keys) != 10 || len(x.Predicted)+len(x.Confusion)+len(x.Classes) != 0 {
		t.Errorf("have %d images of %d, predictions %v", x.N(), len(x.Keys), x.Predicted)
	}
	for i, n := range x.Neighbours {
		if int(n) == i/x.K {
			t.Errorf("have image %d as its own neighbour", n)
		}
	}
}

// TestExhibitComesFirst: an evaluator that dies before the exhibit is kept has
// kept no report either, so that the next one makes both.
func TestExhibitComesFirst(t *testing.T) {
	w := newWorld(t)
	for class, name := range []string{"across", "along"} {
		w.draw("stripes/"+name, class, 10)
	}
	w.snapshot(3, true, nil)
	cfg := w.config()
	refused := 0
	cfg.Runs = refusing{w.runs, func(key string) bool {
		if !strings.Contains(key, "/exhibits/") || refused == 2 {
			return false
		}
		if refused++; len(w.kept()) != 0 {
			t.Errorf("have %d reports, want none without the exhibit", len(w.kept()))
		}
		return true
	}}
	w.evaluate(cfg, 6)
	if refused != 2 || w.exhibit(3).N() == 0 {
		t.Errorf("have %d refusals, want 2", refused)
	}
}

// refusing is a bucket that some keys cannot be written to.
type refusing struct {
	*bucket.Memory
	refuses func(key string) bool
}

func (b refusing) Put(ctx context.Context, key string, data []byte) error {
	if b.refuses(key) {
		return bucket.ErrUnavailable
	}
	return b.Memory.Put(ctx, key, data)
}
