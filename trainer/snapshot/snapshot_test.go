package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/schemas"
	"selfstream/schemas/safetensors"
	"selfstream/stages/bucket"
	"selfstream/trainer/plan"
)

// trained is a store as a training leaves it.
func trained(t *testing.T) *model.Store {
	t.Helper()
	store := model.NewStore()
	for path, value := range map[string]*tensors.Tensor{
		"/encoder/layer1.0.conv1.weight":                    tensors.FromFlatDataAndDimensions([]float32{1, -2, 3.5, 4, 5, 6}, 3, 2, 1, 1),
		"/encoder/bn1.running_mean":                         tensors.FromFlatDataAndDimensions([]float32{0.25, 1e-30}, 2),
		"/head/projector/fc.weight":                         tensors.FromFlatDataAndDimensions([]float32{7}, 1, 1),
		"/optimizer/encoder/layer1.0.conv1.weight/step":     tensors.FromScalar(int64(41)),
		"/optimizer/encoder/layer1.0.conv1.weight/a_buffer": tensors.FromShape(shapes.Make(dtypes.Float64, 2, 2)),
	} {
		if _, err := store.CreateVariable(path, value); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func card(step int) Card {
	return Card{
		Run: "r", Dataset: "d", Step: step, Steps: 100,
		Config: schemas.Config{Method: "simclr", Encoder: "tiny"},
		Recipe: schemas.Recipe{Jigsaw: &schemas.Jigsaw{Size: 64, Cell: 85, Permutations: []schemas.Permutation{{4, 8, 1, 2, 0, 3, 6, 5, 7}}}},
		Cursor: plan.Cursor{Position: plan.Position{Epoch: 1, Split: 2}, Offset: 3},
	}
}

func write(t *testing.T, b bucket.Bucket, step int) Card {
	t.Helper()
	c, err := Write(t.Context(), b, trained(t), card(step))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStateComesBackWhole(t *testing.T) {
	b := new(bucket.Memory)
	want := write(t, b, 50)
	store, have, err := ReadState(t.Context(), b, Prefix("r", 50))
	if err != nil {
		t.Fatal(err)
	}
	if have.Cursor != want.Cursor || have.WeightsSHA256 != want.WeightsSHA256 || len(have.WeightsSHA256) != 64 {
		t.Errorf("have card %+v, want %+v", have, want)
	}
	if !reflect.DeepEqual(have.Recipe, want.Recipe) {
		t.Errorf("have recipe %+v, want %+v", have.Recipe.Jigsaw, want.Recipe.Jigsaw)
	}
	again, err := marshal(store, "")
	if err != nil {
		t.Fatal(err)
	}
	before, err := marshal(trained(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again, before) {
		t.Error("the store that was read is not the one that was written")
	}
	if digestOf(before) != want.WeightsSHA256 {
		t.Error("weights_sha256 is not the digest of state.safetensors")
	}
}

// TestEncoderFileIsPlain: whoever reads the encoder needs to know nothing of
// selfstream.
func TestEncoderFileIsPlain(t *testing.T) {
	b := new(bucket.Memory)
	write(t, b, 0)
	data, _, err := b.Get(t.Context(), Prefix("r", 0)+"/encoder.safetensors", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tensor := range f.Tensors {
		names = append(names, tensor.Name)
	}
	if want := []string{"bn1.running_mean", "layer1.0.conv1.weight"}; !slices.Equal(names, want) {
		t.Errorf("have %v, want %v", names, want)
	}
	store, _, err := ReadEncoder(t.Context(), b, Prefix("r", 0))
	if err != nil {
		t.Fatal(err)
	}
	if store.GetVariable("/encoder/layer1.0.conv1.weight") == nil {
		t.Error("the encoder that was read lacks /encoder/layer1.0.conv1.weight")
	}
}

// TestHalfASnapshotIsNeverRead cuts the writing short after each of its steps,
// and damages each file.
func TestHalfASnapshotIsNeverRead(t *testing.T) {
	for puts := range 3 {
		b := &failing{Memory: new(bucket.Memory), puts: puts}
		if _, err := Write(t.Context(), b, trained(t), card(5)); err == nil {
			t.Fatalf("%d puts: have no error, want one", puts)
		}
		steps, err := Steps(t.Context(), b, "r")
		if err != nil || len(steps) != 0 {
			t.Errorf("%d puts: have steps %v and %v, want none", puts, steps, err)
		}
		if _, _, err := ReadState(t.Context(), b, Prefix("r", 5)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d puts: have %v, want fs.ErrNotExist", puts, err)
		}
	}
	for _, file := range []string{"encoder.safetensors", "state.safetensors"} {
		for name, damage := range map[string]func([]byte) []byte{
			"a bit":     func(d []byte) []byte { d[len(d)-1] ^= 1; return d },
			"truncated": func(d []byte) []byte { return d[:len(d)/2] },
			"empty":     func([]byte) []byte { return nil },
		} {
			b := new(bucket.Memory)
			write(t, b, 5)
			key := Prefix("r", 5) + "/" + file
			data, _, err := b.Get(t.Context(), key, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Put(t.Context(), key, damage(slices.Clone(data))); err != nil {
				t.Fatal(err)
			}
			read := ReadState
			if file == "encoder.safetensors" {
				read = ReadEncoder
			}
			if _, _, err := read(t.Context(), b, Prefix("r", 5)); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s, %s: have %v, want ErrDamaged", file, name, err)
			}
		}
	}
}

// failing lets some puts through.
type failing struct {
	*bucket.Memory
	puts int
}

func (f *failing) Put(ctx context.Context, key string, data []byte) error {
	if f.puts--; f.puts < 0 {
		return errors.New("disk full")
	}
	return f.Memory.Put(ctx, key, data)
}

// TestRewritingWithdrawsTheCardFirst: a crash while a step is written again
// must not leave the old card with new files.
func TestRewritingWithdrawsTheCardFirst(t *testing.T) {
	b := new(bucket.Memory)
	write(t, b, 5)
	if _, err := Write(t.Context(), &failing{Memory: b, puts: 1}, trained(t), card(5)); err == nil {
		t.Fatal("have no error, want one")
	}
	if steps, _ := Steps(t.Context(), b, "r"); len(steps) != 0 {
		t.Errorf("have steps %v, want none", steps)
	}
}

func TestStepsAreInOrder(t *testing.T) {
	b := new(bucket.Memory)
	for _, step := range []int{200, 5, 123456789} {
		write(t, b, step)
	}
	for key, data := range map[string]string{"r/snapshots/x/card.json": "{}", "r/snapshots/7/card.json": "{}", "r/status.json": "{}"} {
		if err := b.Put(t.Context(), key, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := Steps(t.Context(), b, "r")
	if want := []int{5, 200, 123456789}; err != nil || !slices.Equal(steps, want) {
		t.Errorf("have %v and %v, want %v", steps, err, want)
	}
}

// TestPrune: as snapshots come, the newest two and every fifth stay, and the
// first.
func TestPrune(t *testing.T) {
	b := new(bucket.Memory)
	for step := 0; step <= 130; step += 10 {
		c := card(step)
		c.Config.SnapshotEvery = 10
		if _, err := Write(t.Context(), b, trained(t), c); err != nil {
			t.Fatal(err)
		}
		if err := Prune(t.Context(), b, "r", Keep{Newest: 2, Every: 5}); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := Steps(t.Context(), b, "r")
	if want := []int{0, 50, 100, 120, 130}; err != nil || !slices.Equal(steps, want) {
		t.Errorf("have steps %v and %v, want %v", steps, err, want)
	}
	if c, err := ReadCard(t.Context(), b, Prefix("r", 30)); err != nil || c.Step != 30 {
		t.Errorf("have card %+v and %v, want that of step 30: cards stay", c, err)
	}
	if err := Prune(t.Context(), b, "r", Keep{}); err != nil {
		t.Fatal(err)
	}
	if again, _ := Steps(t.Context(), b, "r"); len(again) != len(steps) {
		t.Errorf("have steps %v, want all kept", again)
	}
}

func TestBrokenCardIsDamage(t *testing.T) {
	b := new(bucket.Memory)
	text, _ := json.Marshal(card(1))
	if err := b.Put(t.Context(), Prefix("r", 1)+"/card.json", text[:len(text)/2]); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCard(t.Context(), b, Prefix("r", 1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("have %v, want ErrDamaged", err)
	}
}
