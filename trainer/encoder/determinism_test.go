package encoder

import (
	"bytes"
	"testing"

	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// TestGoBackendIsDeterministic trains a few steps again and with each way in
// which the Go backend can share out its work, and wants the same bits in every
// variable: the promise "same plan, same weights" rests on it.
func TestGoBackendIsDeterministic(t *testing.T) {
	const size, steps = 33, 2
	configs := []string{"", "parallelism=1", "parallelism=3", "parallelism=-1", "ops_sequential", "creation_order"}
	batches := []int{5, 24}
	if testing.Short() {
		configs, batches = configs[:2], batches[:1]
	}
	for _, batch := range batches {
		want := trainSteps(t, "", batch, size, steps)
		for _, config := range configs {
			have := trainSteps(t, config, batch, size, steps)
			for name, bits := range want {
				if !bytes.Equal(have[name], bits) {
					t.Errorf("batch %d, %q: have other bits in %s than before", batch, config, name)
				}
			}
		}
	}
}

// trainSteps trains the tiny encoder and a head to draw two views of each image
// together, and returns the bits of all variables.
func trainSteps(t *testing.T, config string, batch, size, steps int) map[string][]byte {
	t.Helper()
	backend, err := gobackend.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	enc, err := New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	layer.SetSeed(store, 1)
	exec, err := model.NewExec(backend, store, func(s *model.Scope, a, b *Node) *Node {
		embed := func(images *Node) *Node {
			x := enc.Forward(s.At("encoder"), images, true).Features
			x = layer.BatchNorm(s.At("head"), "bn", layer.Linear(s.At("head"), "fc1", x, 64, false), true)
			return L2Normalize(layer.Linear(s.At("head"), "fc2", activation.Relu(x), 24, true), 1)
		}
		loss := ReduceAllSum(Square(Sub(embed(a), embed(b))))
		step(s, loss, ConstAs(loss, 0.01))
		return loss
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		seed := uint64(2 * i)
		if _, err := exec.Call1(pictures(seed, batch, size), pictures(seed+1, batch, size)); err != nil {
			t.Fatal(err)
		}
	}
	bits := map[string][]byte{}
	for v := range store.IterVariables() {
		if err := v.MustValue().ConstBytes(func(b []byte) { bits[v.Path()] = bytes.Clone(b) }); err != nil {
			t.Fatal(err)
		}
	}
	if len(bits) < 20 {
		t.Fatalf("have %d variables, want the encoder's and the head's", len(bits))
	}
	return bits
}

// step is plain gradient descent on all trainable variables of s.
func step(s *model.Scope, loss, lr *Node) {
	var params []*model.Variable
	var values []*Node
	for v := range s.IterVariables() {
		if v.Trainable && v.InUseByGraph(loss.Graph()) {
			params, values = append(params, v), append(values, v.NodeValue(loss))
		}
	}
	for i, gradient := range Gradient(loss, values...) {
		params[i].SetNodeValue(Sub(values[i], Mul(gradient, lr)))
	}
}
