package encoder

import (
	"syscall"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/layer"
)

// BenchmarkTiny is a training step of the tiny encoder on 256 images of 64
// pixels, as two views of 128, on the Go backend.
func BenchmarkTiny(b *testing.B) { benchmarkStep(b, "tiny", 128, 64) }

// BenchmarkResNet18Small is the same on 16 images of 32 pixels.
func BenchmarkResNet18Small(b *testing.B) { benchmarkStep(b, "resnet18-small", 8, 32) }

func benchmarkStep(b *testing.B, name string, batch, size int) {
	enc, err := New(name)
	if err != nil {
		b.Fatal(err)
	}
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
	busy := processorTime()
	for b.Loop() {
		train()
	}
	images := float64(2 * batch * b.N)
	b.ReportMetric(images/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(images/(processorTime()-busy).Seconds(), "images/cpu-s")
}

// processorTime is what this process has used so far, for machines that have
// more to do.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
