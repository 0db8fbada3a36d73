package encoder

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// TestGoBackendIsDeterministic trains a few steps again, on other numbers of
// cores, and one operation at a time as when the evaluator is at work too, and
// wants the same bits in every variable: the promise "same plan, same weights"
// rests on it.
func TestGoBackendIsDeterministic(t *testing.T) {
	const size, steps = 33, 2
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	sequential, err := gobackend.New("ops_sequential,parallelism=-1")
	if err != nil {
		t.Fatal(err)
	}
	batches, cores := []int{5, 24}, []int{1, 2, 3, 7}
	if testing.Short() {
		batches, cores = batches[:1], cores[2:3]
	}
	for _, batch := range batches {
		want := trainSteps(t, goBackend(), "tiny", batch, size, steps)
		check := func(how string, have map[string][]byte) {
			for name, bits := range want {
				if !bytes.Equal(have[name], bits) {
					t.Errorf("batch %d, %s: have other bits in %s than before", batch, how, name)
				}
			}
		}
		check("again", trainSteps(t, goBackend(), "tiny", batch, size, steps))
		check("one operation at a time", trainSteps(t, sequential, "tiny", batch, size, steps))
		for _, n := range cores {
			runtime.GOMAXPROCS(n)
			check(fmt.Sprintf("%d cores", n), trainSteps(t, goBackend(), "tiny", batch, size, steps))
		}
	}
}

// TestMaxPoolIsDeterministic does the same for the gradient of max pooling,
// which tiny does not have.
func TestMaxPoolIsDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("drawing 4 million weights takes a second")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	const batch, size, steps = 2, 13, 1
	want := trainSteps(t, goBackend(), "alexnet-small", batch, size, steps)
	runtime.GOMAXPROCS(3)
	for name, have := range trainSteps(t, goBackend(), "alexnet-small", batch, size, steps) {
		if !bytes.Equal(have, want[name]) {
			t.Errorf("3 cores: have other bits in %s than before", name)
		}
	}
}

// trainSteps trains an encoder and a head to draw two views of each image
// together, and returns the bits of all variables.
func trainSteps(t *testing.T, b compute.Backend, encoder string, batch, size, steps int) map[string][]byte {
	t.Helper()
	enc, err := New(encoder)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	layer.SetSeed(store, 1)
	exec, err := model.NewExec(b, store, func(s *model.Scope, x, y *Node) *Node {
		embed := func(images *Node) *Node {
			x := enc.Forward(s.At("encoder"), images, true).Features
			x = layer.BatchNorm(s.At("head"), "bn", layer.Linear(s.At("head"), "fc1", x, 64, false), true)
			return L2Normalize(layer.Linear(s.At("head"), "fc2", layer.ReLU(x), 24, true), 1)
		}
		loss := ReduceAllSum(Square(Sub(embed(x), embed(y))))
		step(s, loss, ConstAs(loss, 0.01))
		return loss
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
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
	if len(bits) < 18 {
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
