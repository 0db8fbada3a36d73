package schemas_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"selfstream/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files; old consumers cannot read a message whose file changes")

// kinds are the messages, each with the stream that keeps it, if one does.
var kinds = []kind{
	{schemas.RunsStream, &schemas.RunRequest{
		Run: "eurosat-simclr-1", Dataset: "eurosat",
		Config: schemas.Config{
			Method: "simclr", Settings: map[string]string{"temperature": "0.2"},
			Encoder: "tiny", ImageSize: 32, Epochs: 20, Batch: 128, Seed: 1<<64 - 1,
			Optimizer: "adamw", LearningRate: 2e-3, BaseBatch: 256, WeightDecay: 1e-4, Warmup: 0.05, ClipNorm: 1.5, Accumulate: 4,
			SnapshotEvery: 100, MaxHoles: 16, MaxHoleRate: 0.05,
		},
		Version: strings.Repeat("0f", 32),
	}, ""},
	{schemas.SplitsStream, &schemas.Split{
		Run: "eurosat-simclr-1", Epoch: 3, Index: 14, Seed: 1<<64 - 1,
		Recipe: schemas.Recipe{Views: []schemas.View{{
			Size:     32,
			Crop:     schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 1.25},
			Flip:     0.5,
			Jitter:   schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
			Gray:     0.2,
			Blur:     schemas.Blur{P: 0.5, SigmaMin: 0.1, SigmaMax: 2},
			Solarize: schemas.Solarize{P: 0.2, Threshold: 128},
		}, {
			Size: 24, Crop: schemas.Crop{ScaleMin: 1, ScaleMax: 1, RatioMin: 1, RatioMax: 1},
		}}},
		Images: []schemas.Image{
			{ID: 2, Key: "eurosat/train/Forêt & lac/3.jpg", Size: 3119, ETag: "0f343b0931126a20f133d67c2b018a3b", Label: 1},
			{ID: 0, Key: "eurosat/train/1.jpg", Size: 0, Label: -1},
		},
	}, ""},
	{schemas.SamplesStream, &schemas.Samples{
		Run: "eurosat-simclr-1", Epoch: 3, Index: 14, Fingerprint: "go1.26.8 amd64 view.1",
		Holes:  []schemas.Hole{{ID: 1, Key: "eurosat/train/2.jpg", Reason: "decoding: unexpected EOF"}},
		Views:  []schemas.Pixels{{Size: 2, Data: []byte("abcdefghijklABCDEFGHIJKL")}, {Size: 1, Data: []byte("xyzXYZ")}},
		Labels: []int32{1, -1},
		IDs:    []int64{2, 0},
	}, ""},
	{schemas.RejectsStream, &schemas.Reject{
		Run: "eurosat-simclr-1", ID: 1, Key: "eurosat/train/2.jpg", Reason: "decoding: unexpected EOF",
	}, ""},
	{schemas.MetricsStream, &schemas.Metric{
		Run: "eurosat-simclr-1", Time: time.Date(2026, 11, 23, 8, 42, 0, 500e6, time.UTC), Step: 20, Steps: 380, Epoch: 1.25, State: "failed", Error: "why",
		Loss: 4.25, LearningRate: 1e-3, Values: map[string]float64{"top1": 0.5},
		ImagesPerSecond: 812.5, StepsPerSecond: 6.5, WaitShare: 0.125, SplitsOut: 12, BufferedBytes: 3 << 20, Reissued: 1, Holes: 2, AugmentersWanted: 1.75,
		Collapse: &schemas.Collapse{Std: 0.0625, StdIdeal: 0.125, Rank: 17.5, Dim: 64, Chance: 5.5, Warnings: []string{"all is one"}},
	}, ""},
	{schemas.SnapshotsStream, &schemas.Snapshot{
		Run: "eurosat-simclr-1", Step: 380, Epoch: 20, Prefix: "eurosat-simclr-1/snapshots/380", Final: true,
		BatchesSHA256: strings.Repeat("01", 32), WeightsSHA256: strings.Repeat("ef", 32),
	}, ""},
	{schemas.ReportsStream, &schemas.Report{
		Run: "eurosat-simclr-1", Step: 380, Final: true, Probe: "linear", Value: 0.75, Values: map[string]float64{"top5": 0.9375},
		PerClass:  []schemas.ClassValue{{Class: "Forest", Value: 1, Count: 60}},
		Constants: map[string]string{"l2": "0.01"}, Train: 2400, Test: 600, Note: "a note", Seconds: 1.5,
		Dataset: "other", Labels: 0.125, Repeats: []float64{0.5, 1},
		Stages: []schemas.StageValue{{Stage: "layer3", Value: 0.8125, HeldOut: 0.78125}, {Stage: "layer4", Value: 0.75, HeldOut: 0.71875}},
	}, ""},
	{"", &schemas.Pulse{
		Name: "host-1", Began: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), Time: time.Date(2026, 11, 23, 8, 42, 0, 500e6, time.UTC),
		Run: "eurosat-simclr-1", Fingerprint: "go1.26.8 amd64 view.1", Workers: 2, Images: 4096, Holes: 3,
		Waiting: 0.5, Fetching: 1.25, Rendering: 80.5, Publishing: 2, Leaving: true,
	}, ""},
}

// examples are the messages, and those that have another form as well.
var examples = append(slices.Clone(kinds),
	kind{schemas.SplitsStream, &schemas.Split{
		Run: "eurosat-context-1", Epoch: 3, Index: 14, Seed: 7,
		Recipe: schemas.Recipe{Pair: &schemas.Pair{
			Size: 96, Gap: 48, Jitter: 7, Crop: square,
			Flip: 0.5, Swap: 0.5, Gray: 0.25, Project: 0.5, Resample: schemas.Resample{P: 0.33, MinSize: 10}, Drop: 0.75,
		}},
		Images: []schemas.Image{{ID: 0, Key: "eurosat/train/1.jpg", Size: 3119, Label: -1}},
	}, "pair"},
	kind{schemas.SplitsStream, &schemas.Split{
		Run: "eurosat-context-1", Epoch: 3, Index: 14, Seed: 7,
		Recipe: schemas.Recipe{Pair: &schemas.Pair{Size: 15, Gap: 8, Jitter: 1, Margin: 1, Grid: true, Crop: square, Flip: 0.5}},
		Images: []schemas.Image{{ID: 0, Key: "eurosat/train/1.jpg", Size: 3119, Label: -1}},
	}, "grid"},
	kind{schemas.SplitsStream, &schemas.Split{
		Run: "eurosat-jigsaw-1", Epoch: 3, Index: 14, Seed: 7,
		Recipe: schemas.Recipe{Jigsaw: &schemas.Jigsaw{
			Size: 64, Cell: 85, Crop: square, Flip: 0.5, Shift: 2, Gray: 0.25, Project: 0.5,
			Permutations: []schemas.Permutation{{0, 1, 2, 3, 4, 5, 6, 7, 8}, {4, 8, 1, 2, 0, 3, 6, 5, 7}},
		}},
		Images: []schemas.Image{{ID: 0, Key: "eurosat/train/1.jpg", Size: 3119, Label: -1}},
	}, "jigsaw"},
	kind{schemas.SamplesStream, answered, "answers"},
)

var answered = &schemas.Samples{
	Run: "eurosat-context-1", Epoch: 3, Index: 14, Fingerprint: "go1.26.8 amd64 view.1",
	Views:   []schemas.Pixels{{Size: 2, Data: []byte("abcdefghijklABCDEFGHIJKL")}, {Size: 2, Data: []byte("mnopqrstuvwxMNOPQRSTUVWX")}},
	Labels:  []int32{1, -1},
	Answers: []int32{7, 0},
	IDs:     []int64{2, 0},
}

var square = schemas.Crop{ScaleMin: 0.25, ScaleMax: 1, RatioMin: 1, RatioMax: 1}

type kind struct {
	stream  string
	message schemas.Message // an example, whose fields are all set
	form    string          // of several that the message has; empty for the first
}

func (k kind) empty() schemas.Message {
	return reflect.New(reflect.TypeOf(k.message).Elem()).Interface().(schemas.Message)
}

// name is the type, and the form where there are several.
func (k kind) name() string {
	if k.form == "" {
		return k.message.Type()
	}
	return k.message.Type() + "." + k.form
}

// golden is the path of the example's bytes.
func (k kind) golden() string {
	ext := ".json"
	if k.message.Type() == (schemas.Samples{}).Type() {
		ext = ".safetensors"
	}
	return filepath.Join("testdata", "golden", k.name()+ext)
}

func header(m schemas.Message) nats.Header {
	return nats.Header{schemas.TypeHeader: {m.Type()}}
}

// TestGolden holds the bytes of each message: a file that has to change here
// is a message that old consumers cannot read.
func TestGolden(t *testing.T) {
	for _, k := range examples {
		t.Run(k.name(), func(t *testing.T) {
			msg, err := schemas.Encode(k.message)
			if err != nil {
				t.Fatal(err)
			}
			if have := msg.Header.Get(schemas.TypeHeader); have != k.message.Type() || msg.Subject != k.message.Subject() {
				t.Errorf("have type %q on %q, want %q on %q", have, msg.Subject, k.message.Type(), k.message.Subject())
			}
			if *update {
				if err := os.WriteFile(k.golden(), msg.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(k.golden())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(msg.Data, want) {
				t.Errorf("have %s\nwant %s", msg.Data, want)
			}
			decoded := k.empty()
			if err := schemas.Decode(msg.Header, want, decoded); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded, k.message) {
				t.Errorf("decoding: have %+v\nwant %+v", decoded, k.message)
			}
		})
	}
}

// TestDecodeRefuses what no message may look like.
func TestDecodeRefuses(t *testing.T) {
	for _, k := range kinds {
		good, err := os.ReadFile(k.golden())
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name   string
			header nats.Header
			body   []byte
			want   error
		}{
			{"no header", nil, good, schemas.ErrType},
			{"next version", nats.Header{schemas.TypeHeader: {strings.Replace(k.message.Type(), ".v1", ".v2", 1)}}, good, schemas.ErrType},
			{"a digest of something else", nats.Header{schemas.TypeHeader: {k.message.Type()}, schemas.DigestHeader: {strings.Repeat("0", 32)}}, good, schemas.ErrInvalid},
			{"no body", header(k.message), nil, schemas.ErrInvalid},
			{"empty object", header(k.message), []byte("{}"), schemas.ErrInvalid},
			{"nothing", header(k.message), []byte("null"), schemas.ErrInvalid},
			{"truncated", header(k.message), good[:len(good)-1], schemas.ErrInvalid},
			{"too long", header(k.message), append(bytes.Clone(good), '}'), schemas.ErrInvalid},
			{"run of another type", header(k.message), bytes.Replace(good, []byte(`"eurosat-simclr-1"`), []byte(`[]`), 1), schemas.ErrInvalid},
		} {
			t.Run(k.message.Type()+"/"+tc.name, func(t *testing.T) {
				if err := schemas.Decode(tc.header, tc.body, k.empty()); !errors.Is(err, tc.want) {
					t.Errorf("have error %v, want %v", err, tc.want)
				}
			})
		}
	}
}

// TestDecodeSkipsNewFields, so that producers can be updated first.
func TestDecodeSkipsNewFields(t *testing.T) {
	var m schemas.Reject
	body := []byte(`{"run":"a","id":3,"key":"k","reason":"r","since":"tomorrow"}`)
	if err := schemas.Decode(header(m), body, &m); err != nil {
		t.Fatal(err)
	}
	if want := (schemas.Reject{Run: "a", ID: 3, Key: "k", Reason: "r"}); m != want {
		t.Errorf("have %+v, want %+v", m, want)
	}
}

func TestCheckName(t *testing.T) {
	long := strings.Repeat("a", 80)
	for _, good := range []string{"a", "0", "eurosat-mini_2", long} {
		if err := schemas.CheckName(good); err != nil {
			t.Errorf("%q: have error %v", good, err)
		}
	}
	for _, bad := range []string{"", "-a", "_a", "A", "a.b", "a b", "a/b", "a*", "a>", "é", "a\n", long + "a"} {
		if err := schemas.CheckName(bad); !errors.Is(err, schemas.ErrInvalid) {
			t.Errorf("%q: have error %v, want ErrInvalid", bad, err)
		}
	}
}

// FuzzDecode: whatever decodes must encode, and decode to the same again.
func FuzzDecode(f *testing.F) {
	for i, k := range examples {
		good, err := os.ReadFile(k.golden())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, good)
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		if i < 0 || i >= len(examples) {
			return
		}
		m, again := examples[i].empty(), examples[i].empty()
		if schemas.Decode(header(m), body, m) != nil {
			return
		}
		first, err := schemas.Encode(m)
		if err != nil {
			t.Fatalf("encoding what was decoded: %v", err)
		}
		if err := schemas.Decode(first.Header, first.Data, again); err != nil {
			t.Fatalf("decoding what was encoded: %v", err)
		}
		second, err := schemas.Encode(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Data, second.Data) {
			t.Fatalf("have %s, want %s", second.Data, first.Data)
		}
	})
}

// TestBestStage: the held-out images decide, and not the test images.
func TestBestStage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		stages []schemas.StageValue
		want   string
	}{
		{"only the last was looked at", nil, ""},
		{"the test has no say", []schemas.StageValue{{"a", 0.9, 0.5}, {"b", 0.1, 0.6}, {"c", 0.8, 0.4}}, "b"},
		{"the later of equals", []schemas.StageValue{{"a", 0.9, 0.5}, {"b", 0.1, 0.5}}, "b"},
		{"nothing could be held out", []schemas.StageValue{{"a", 0.9, 0}, {"b", 0.1, 0}}, "b"},
	} {
		best, ok := schemas.Report{Stages: tc.stages}.BestStage()
		if best.Stage != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: have %q, %t, want %q", tc.name, best.Stage, ok, tc.want)
		}
	}
}
