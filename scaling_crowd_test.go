package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/flow"
	"selfstream/trainer/method"
)

const (
	// Splits of a run that are on their way. With twice as many, the answers of 100
	// trainers, a MiB each, are more than SAMPLES holds: it refuses some, and those
	// are sent again.
	crowdSplits = 2
	crowdTime   = 5 * time.Second
)

// BenchmarkCrowd has up to 1,000 augmenters and 100 trainers share one NATS: it
// says whether a message costs the server more where there are many of either. The
// augmenters make nothing, they answer each split with a message of that size. It
// reports splits per second, the server's processor time for a split and its
// answer, and the share of a core that it needs while all wait.
func BenchmarkCrowd(b *testing.B) {
	for _, bytes := range []int{16 << 10, 1 << 20} {
		for _, c := range []struct{ augmenters, trainers int }{{10, 1}, {1000, 1}, {10, 100}, {1000, 100}} {
			b.Run(fmt.Sprintf("KiB=%d/augmenters=%d/trainers=%d", bytes>>10, c.augmenters, c.trainers), func(b *testing.B) {
				s := &system{t: b, dir: b.TempDir(), natsPort: freePort(b)}
				s.nats = startProcess(b, "nats", "nats", s.dir, s.natsPort)
				s.await("NATS", s.natsReady)
				w := &crowd{system: s, answer: make([]byte, bytes)}
				var idle, each, rate float64
				for b.Loop() {
					idle, each, rate = w.measure(b, c.augmenters, c.trainers)
				}
				b.ReportMetric(0, "ns/op") // it is as long as it is
				b.ReportMetric(each, "nats-µs/split")
				b.ReportMetric(idle, "idle-cores")
				b.ReportMetric(rate, "splits/s")
			})
		}
	}
}

// crowd is a NATS with many who use it.
type crowd struct {
	*system
	answer []byte
	turn   int
	came   atomic.Int64
}

// measure returns how busy the server is while nobody does anything, in cores, how
// many microseconds it takes for a split and its answer, and how many there are in
// a second.
func (w *crowd) measure(b *testing.B, augmenters, trainers int) (idle, each, rate float64) {
	w.turn++
	ctx, stop := context.WithCancel(b.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	work := func(f *flow.Flow, stream string, from jetstream.ConsumerConfig, workers int, handle flow.Handler) {
		working.Go(func() {
			defer f.Close()
			if err := f.Work(ctx, stream, from, flow.WorkOptions{Workers: workers}, handle); err != nil {
				b.Error(err)
			}
		})
	}
	m, err := method.New("simclr", nil)
	if err != nil {
		b.Fatal(err)
	}
	recipe := m.Recipe(32)
	var issuers []func()
	for i := range trainers {
		f, run := connectAs(b, w.system, schemas.TrainerService), fmt.Sprintf("crowd-%d-%d", w.turn, i)
		if i == 0 {
			if err := f.Ensure(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		issue := func() error {
			split := schemas.Split{Run: run, Recipe: recipe, Images: []schemas.Image{{Key: "d/1.jpg"}}}
			return f.Publish(ctx, &split)
		}
		work(f, schemas.SamplesStream, schemas.SamplesConsumer(run), crowdSplits, func(context.Context, flow.Delivery) error {
			w.came.Add(1)
			return issue()
		})
		issuers = append(issuers, func() {
			for range crowdSplits {
				if err := issue(); err != nil && ctx.Err() == nil {
					b.Error(err)
				}
			}
		})
	}
	for range augmenters {
		f := connectAs(b, w.system, schemas.AugmenterService)
		work(f, schemas.SplitsStream, schemas.SplitsConsumer(), 1, func(ctx context.Context, d flow.Delivery) error {
			run := d.Subject[len("splits."):]
			return f.PublishMsg(ctx, &nats.Msg{Subject: schemas.Samples{Run: run}.Subject(), Data: bytes.Clone(w.answer)})
		})
	}
	time.Sleep(2 * time.Second) // all are connected, and wait
	busy := func(do func()) (cores float64) {
		server := w.nats.cmd.Process.Pid
		before, begun := processorTimeOf(b, server), time.Now()
		do()
		return (processorTimeOf(b, server) - before).Seconds() / time.Since(begun).Seconds()
	}
	idle = busy(func() { time.Sleep(crowdTime) })
	for _, issue := range issuers {
		go issue()
	}
	time.Sleep(time.Second)
	came, begun := w.came.Load(), time.Now()
	cores := busy(func() { time.Sleep(crowdTime) })
	rate = float64(w.came.Load()-came) / time.Since(begun).Seconds()
	return idle, 1e6 * cores / rate, rate
}
