package evaluator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/bucket"
	"selfstream/stages/random"
)

// encoderStore is the encoder "tiny" as a snapshot has it, untrained.
func encoderStore(t *testing.T, seed uint64) *model.Store {
	t.Helper()
	store := model.NewStore()
	create := func(name string, value func(i int) float32, dims ...int) {
		x := tensors.FromShape(shapes.Make(dtypes.Float32, dims...))
		tensors.MustMutableFlatData(x, func(flat []float32) {
			for i := range flat {
				flat[i] = value(i)
			}
		})
		if _, err := store.CreateVariable("/encoder/"+name, x); err != nil {
			t.Fatal(err)
		}
	}
	constant := func(c float32) func(int) float32 { return func(int) float32 { return c } }
	channels := []int{3, 16, 32, 64, 128}
	for i, out := range channels[1:] {
		key, fan := random.New(seed).Fold(uint64(i)), 9*channels[i]
		create(fmt.Sprintf("conv%d.weight", i+1), func(k int) float32 {
			return float32(key.Normal(uint64(k)) * math.Sqrt(2/float64(fan)))
		}, out, channels[i], 3, 3)
		create(fmt.Sprintf("bn%d.weight", i+1), constant(1), out)
		create(fmt.Sprintf("bn%d.bias", i+1), constant(0), out)
		create(fmt.Sprintf("bn%d.running_mean", i+1), constant(0), out)
		create(fmt.Sprintf("bn%d.running_var", i+1), constant(1), out)
	}
	return store
}

func noise(n int) pixels {
	p := pixels{size: imageSize, data: make([]byte, n*bytesOf(imageSize)), labels: make([]int32, n)}
	for i := range p.data {
		p.data[i] = byte(random.New(1).Uint64(uint64(i)))
	}
	for i := range p.labels {
		p.labels[i] = int32(i % 7)
	}
	return p
}

// TestExtract: an image has the same features whatever comes before and after
// it, as running statistics promise, and also in a batch that is filled up.
func TestExtract(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	x, err := newExtractor(b, encoderStore(t, 1), "tiny", false)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	extract := func(p pixels) Features {
		t.Helper()
		f, err := x.extract(context.Background(), p)
		if err != nil || len(f) != 1 {
			t.Fatalf("have %d stages and %v, want the last", len(f), err)
		}
		return f[0]
	}
	all := noise(extractBatch + 3)
	have := extract(all)
	if have.Dim != 128 || have.Len() != extractBatch+3 || !slices.Equal(have.Labels, all.labels) {
		t.Fatalf("have %d images of %d dimensions", have.Len(), have.Dim)
	}
	n := bytesOf(imageSize)
	for _, i := range []int{0, 1, extractBatch - 1, extractBatch, extractBatch + 2} {
		alone := extract(pixels{size: imageSize, data: all.data[i*n : (i+1)*n], labels: all.labels[i : i+1]})
		for j, want := range alone.X {
			if math.Abs(float64(have.Row(i)[j]-want)) > 1e-5 {
				t.Fatalf("image %d, feature %d: have %g, alone %g", i, j, have.Row(i)[j], want)
			}
		}
		if slices.Max(alone.X) == 0 {
			t.Fatalf("image %d has no features", i)
		}
	}
	if !slices.Equal(extract(all).X, have.X) {
		t.Error("the same images have other features the second time")
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.extract(ctx, all); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v, want %v", err, context.Canceled)
	}
}

// TestExtractStages: every stage has its own features, and those of the last are
// what an encoder is known by.
func TestExtractStages(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	images := noise(5)
	extract := func(all bool) ([]Features, []string) {
		x, err := newExtractor(b, encoderStore(t, 1), "tiny", all)
		if err != nil {
			t.Fatal(err)
		}
		defer x.close()
		f, err := x.extract(context.Background(), images)
		if err != nil {
			t.Fatal(err)
		}
		return f, x.stages
	}
	have, stages := extract(true)
	if want := []string{"layer1", "layer2", "layer3", "layer4"}; !slices.Equal(stages, want) {
		t.Errorf("have stages %v, want %v", stages, want)
	}
	for i, f := range have {
		if want := []int{16, 32, 64, 128}[i]; f.Dim != want || f.Len() != 5 || !slices.Equal(f.Labels, images.labels) {
			t.Errorf("%s: have %d images of %d dimensions, want 5 of %d", stages[i], f.Len(), f.Dim, want)
		}
	}
	last, stages := extract(false)
	if len(last) != 1 || stages[0] != "layer4" || !slices.Equal(last[0].X, have[3].X) {
		t.Error("have other features of the last stage where it is looked at alone")
	}
}

func TestExtractorRefusesUnknownEncoder(t *testing.T) {
	if _, err := newExtractor(nil, model.NewStore(), "resnet19", false); err == nil {
		t.Error("have no error for an encoder that does not exist")
	}
}

func TestLoadPixels(t *testing.T) {
	w := &world{t: t, datasets: new(bucket.Memory)}
	w.draw("d", 0, 4)
	w.put("d/broken.png", []byte("no image"))
	w.put("d/empty.png", nil)
	images := []image{{Key: "d/02.png", Label: 2}, {Key: "d/broken.png"}, {Key: "d/00.png"}, {Key: "d/missing.png", Label: 1}, {Key: "d/empty.png", Label: 1}, {Key: "d/03.png", Label: 3}}
	p, err := loadPixels(context.Background(), w.datasets, images, 8)
	if err != nil {
		t.Fatal(err)
	}
	if p.size != 8 || p.broken != 3 || !slices.Equal(p.labels, []int32{2, 0, 3}) || len(p.data) != 3*bytesOf(8) {
		t.Fatalf("have %d broken, labels %v, %d bytes, want 3, [2 0 3], %d", p.broken, p.labels, len(p.data), 3*bytesOf(8))
	}
	for i, label := range p.labels {
		one, err := loadPixels(context.Background(), w.datasets, []image{{Key: fmt.Sprintf("d/%02d.png", label), Label: label}}, 8)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.data[i*bytesOf(8):(i+1)*bytesOf(8)], one.data) {
			t.Errorf("image %d has the pixels of another one", label)
		}
	}

	down := errors.New("server is away")
	if _, err := loadPixels(context.Background(), failing{w.datasets, down}, images, 8); !errors.Is(err, down) {
		t.Errorf("have %v, want %v", err, down)
	}
}

// failing is a bucket whose server does not answer.
type failing struct {
	bucket.Bucket
	err error
}

func (f failing) Get(context.Context, string, int64) ([]byte, bucket.Info, error) {
	return nil, bucket.Info{}, f.err
}
