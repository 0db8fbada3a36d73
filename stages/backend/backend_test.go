package backend

import (
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestOpen computes on what was opened.
func TestOpen(t *testing.T) {
	for name, prefix := range map[string]string{"go": "go (", "auto": ""} {
		b, reason, err := Open(name)
		if err != nil {
			t.Fatalf("Open(%q): %v", name, err)
		}
		if !strings.HasPrefix(reason, prefix) || strings.Contains(reason, "\n") || reason == "" {
			t.Errorf("Open(%q): have reason %q, want one line that starts with %q", name, reason, prefix)
		}
		x, err := MustNewExec(b, func(x *Node) *Node { return MatMul(x, x) }).Call1([][]float32{{1, 2}, {3, 4}})
		if err != nil {
			t.Fatalf("multiplying on %s: %v", reason, err)
		}
		if have := x.Value().([][]float32); have[1][1] != 22 {
			t.Errorf("multiplying on %s: have %v, want 22 at the end", reason, have)
		}
		t.Log(reason)
	}
}

// TestAutoSaysWhy: the reason names every backend that would have been faster.
func TestAutoSaysWhy(t *testing.T) {
	_, reason, err := Open("auto")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"xla:cuda", "xla:cpu", "go"} {
		if strings.HasPrefix(reason, name+" (") {
			return
		}
		if want := "; no " + name + ": "; !strings.Contains(reason, want) {
			t.Errorf("have reason %q, want %q in it", reason, want)
		}
	}
	t.Errorf("have reason %q, want one that starts with a backend's name", reason)
}

func TestOpenUnknown(t *testing.T) {
	_, _, err := Open("cuda")
	if err == nil || !strings.Contains(err.Error(), `have "cuda", want one of auto, go, xla:cpu, xla:cuda`) {
		t.Errorf("have error %v, want one that lists the right names", err)
	}
}

// TestManyProductsAtOnce: a graph whose large matrix products are all ready at
// once, such as a network with as many towers, comes to its end.
func TestManyProductsAtOnce(t *testing.T) {
	b, _, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	const products, size = 40, 200
	exec := MustNewExec(b, func(x *Node) *Node {
		sum := ScalarZero(x.Graph(), x.DType())
		for i := range products {
			y := AddScalar(x, float64(i))
			sum = Add(sum, ReduceAllSum(MatMul(y, y)))
		}
		return sum
	})
	done := make(chan error, 1)
	go func() {
		_, err := exec.Call1(tensors.FromShape(shapes.Make(dtypes.Float32, size, size)))
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(2 * time.Minute): // it takes less than a second
		t.Fatalf("multiplying %d pairs of matrices: stands still", products)
	}
}
