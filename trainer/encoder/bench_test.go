package encoder

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// BenchmarkTiny is a training step of the tiny encoder on 256 images of 64
// pixels, as two views of 128, on the Go backend. Beside it is the same network
// as the straightforward graph: the backend's convolution, means over axes, and
// the gradients that GoMLX derives.
func BenchmarkTiny(b *testing.B) {
	enc := encoderOf(b, "tiny")
	var fast float64
	b.Run("layers", func(b *testing.B) { fast = benchmarkStep(b, enc, 128, 64) })
	b.Run("straightforward", func(b *testing.B) {
		plain := enc
		plain.forward = straightforward(enc)
		rate := benchmarkStep(b, plain, 128, 64)
		if fast > 0 { // else it was not asked for
			b.ReportMetric(fast/rate, "x-slower")
		}
	})
}

// BenchmarkResNet18Small is the same on 16 images of 32 pixels.
func BenchmarkResNet18Small(b *testing.B) { benchmarkStep(b, encoderOf(b, "resnet18-small"), 8, 32) }

func encoderOf(b *testing.B, name string) Encoder {
	enc, err := New(name)
	if err != nil {
		b.Fatal(err)
	}
	return enc
}

// benchmarkStep returns images per second of processor time, which other work
// on the machine changes least.
func benchmarkStep(b *testing.B, enc Encoder, batch, size int) float64 {
	store := model.NewStore()
	layer.SetSeed(store, 1)
	exec, err := model.NewExec(goBackend(), store, func(s *model.Scope, lr, x, y *Node) *Node {
		loss := ReduceAllMean(Square(Sub(enc.Forward(s, x, true).Features, enc.Forward(s, y, true).Features)))
		step(s, loss, lr)
		return loss
	})
	if err != nil {
		b.Fatal(err)
	}
	defer exec.Finalize()
	x, y := pictures(1, batch, size), pictures(2, batch, size)
	train := func() {
		if _, err := exec.Call1(float32(0.01), x, y); err != nil {
			b.Fatal(err)
		}
	}
	train() // builds the graph
	before := processorTime()
	for b.Loop() {
		train()
	}
	images := float64(2 * batch * b.N)
	rate := images / (processorTime() - before).Seconds()
	b.ReportMetric(images/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(rate, "images/cpu-s")
	return rate
}

// straightforward is the tiny encoder without any of package layer, on weights
// that it has made.
func straightforward(enc Encoder) func(s *model.Scope, x layer.Maps, training bool) []layer.Maps {
	return func(s *model.Scope, images layer.Maps, _ bool) []layer.Maps {
		enc.forward(s, images, false) // makes the variables
		x := images.Whole()
		for i := 1; i <= 4; i++ {
			value := func(name string) *Node { return s.GetVariable(fmt.Sprintf(name, i)).NodeValue(x) }
			kernel := TransposeAllAxes(value("conv%d.weight"), 2, 3, 1, 0)
			x = Convolve(x, kernel).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
			x = Sub(x, ReduceAndKeep(x, ReduceMean, 0, 1, 2))
			x = Div(x, Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, 0, 1, 2), 1e-5)))
			x = Add(Mul(x, Reshape(value("bn%d.weight"), 1, 1, 1, -1)), Reshape(value("bn%d.bias"), 1, 1, 1, -1))
			x = Max(x, ScalarZero(x.Graph(), dtypes.Float32))
		}
		return []layer.Maps{{x}}
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
