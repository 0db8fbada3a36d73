package trainer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/flow"
	"selfstream/stages/flow/flowtest"
	"selfstream/trainer/feed"
	"selfstream/trainer/plan"
)

const (
	queueMessages = 384 // of about a MiB, in each turn
	queueWindow   = 4   // messages that wait for an acknowledgement: workers of augmenters
	queueCredit   = 32  // messages on their way
	queueBatch    = 128 // images
	queueTurns    = 5   // of each
)

// BenchmarkQueue sends samples the whole way, from the views that an augmenter
// has rendered to the tensors that a step takes, and in turn with that equal
// messages by nats.go alone, without digests and with. Server, publishers and
// consumer share the process and talk over TCP. It reports medians of MB/s and of
// the turns' ratios, and the same by processor time, for machines that have more
// to do.
func BenchmarkQueue(b *testing.B) {
	for _, size := range []int{224, 96, 32} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			q := newQueue(b, size)
			rates := map[string][]float64{}
			q.measure(b, q.bare) // warm up
			for b.Loop() {
				for range queueTurns {
					wall, cpu := q.measure(b, q.ours)
					bare, bareCPU := q.measure(b, q.bare)
					hashed, hashedCPU := q.measure(b, q.hashed)
					for unit, x := range map[string]float64{
						"MB/s": wall, "bare-MB/s": bare, "hashed-MB/s": hashed, "÷bare": wall / bare, "÷hashed": wall / hashed,
						"MB/cpu-s": cpu, "cpu÷bare": cpu / bareCPU, "cpu÷hashed": cpu / hashedCPU,
					} {
						rates[unit] = append(rates[unit], x)
					}
				}
			}
			for unit, x := range rates {
				b.ReportMetric(median(x), unit)
			}
		})
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// queue is a server, and a run's messages on both ways.
type queue struct {
	url     string
	backend compute.Backend
	recipe  schemas.Recipe
	plan    *plan.Plan
	images  int
	turn    int
}

func newQueue(b *testing.B, size int) *queue {
	var options *server.Options
	flowtest.Start(b, func(o *server.Options) {
		o.DontListen, o.Host, o.Port = false, "127.0.0.1", server.RANDOM_PORT
		o.JetStreamMaxMemory = 4 * schemas.SamplesBytes
		options = o
	})
	on, _, err := backend.Open("go")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(on.Finalize)
	v := schemas.View{Size: size, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}}
	q := &queue{
		url: fmt.Sprintf("nats://127.0.0.1:%d", options.Port), backend: on,
		recipe: schemas.Recipe{Views: []schemas.View{v, v}},
	}
	q.images = queueMessages * ((1 << 20) / q.recipe.BytesPerImage()) // as trainer/plan cuts splits
	m := &plan.Manifest{Dataset: "d"}
	for i := range q.images {
		m.Images = append(m.Images, schemas.Image{ID: int64(i), Key: fmt.Sprintf("d/%06d.jpg", i)})
	}
	q.plan = plan.New("run", 1, q.recipe, m)
	return q
}

// measure returns the MB of pixels per second that way moves, and per second of
// processor time.
func (q *queue) measure(b *testing.B, way func(b *testing.B, ready func())) (wall, cpu float64) {
	var start time.Time
	var busy time.Duration
	way(b, func() { start, busy = time.Now(), processorTime() })
	mb := float64(q.images*q.recipe.BytesPerImage()) / 1e6
	return mb / time.Since(start).Seconds(), mb / (processorTime() - busy).Seconds()
}

// processorTime is what this process has used so far, garbage collection
// included.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (q *queue) connect(b *testing.B, name string) *flow.Flow {
	f, err := flow.Connect(b.Context(), flow.Config{URL: q.url, Name: name})
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Ensure(b.Context()); err != nil {
		b.Fatal(err)
	}
	return f
}

// ours is the way of a run's samples.
func (q *queue) ours(b *testing.B, ready func()) {
	q.turn++
	publisher, consumer := q.connect(b, "augmenter"), q.connect(b, "trainer")
	defer publisher.Close()
	defer consumer.Close()
	ctx, stop := context.WithCancel(b.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()

	splits := make(chan schemas.Split, queueMessages)
	silent := slog.New(slog.DiscardHandler)
	f := feed.New(feed.Config{
		Plan: q.plan, Recipe: q.recipe, Fingerprint: "bench", From: plan.Cursor{Position: plan.Position{Epoch: q.turn}}, Epochs: q.turn + 1,
		Batch: queueBatch, Credit: queueCredit * int64(q.plan.SplitBytes()), Holes: feed.NewHoles("run", q.images, 0, 0, 0, nil),
		Issue:   func(_ context.Context, s schemas.Split) error { splits <- s; return nil },
		Retract: func(context.Context) error { return nil },
		Log:     silent,
	})
	r := &run{trainer: &trainer{Config: Config{Flow: consumer, Stats: new(Stats), Log: silent}}, log: silent, req: schemas.RunRequest{Run: "run"}}
	for range queueWindow {
		made := q.samples()
		working.Go(func() { q.publish(ctx, b, publisher, made, splits) })
	}
	in, err := newInputs(q.backend, inputShapes(q.recipe, queueBatch))
	if err != nil {
		b.Fatal(err)
	}
	defer free(in)
	batches := make(chan *feed.Batch, 1)
	working.Go(func() { failing(b, r.receive(ctx, f)) })
	working.Go(func() { failing(b, cut(ctx, f, batches)) })
	ready()
	working.Go(func() { failing(b, f.Run(ctx)) })
	for batch := range batches {
		failing(b, in.fill(batch, 0))
		failing(b, in.send(q.backend))
	}
}

func failing(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}

// samples are a split's, with rendered views.
func (q *queue) samples() *schemas.Samples {
	s := &schemas.Samples{Run: "run", Fingerprint: "bench"}
	n := q.plan.SplitBytes() / q.recipe.BytesPerImage()
	s.Reserve(nil, n, q.recipe.Sizes())
	for i := range s.Views {
		for k := range n * s.Views[i].Size * s.Views[i].Size * 3 {
			s.Views[i].Data = append(s.Views[i].Data, byte(k*31))
		}
	}
	return s
}

// publish is what a worker of an augmenter does with rendered views.
func (q *queue) publish(ctx context.Context, b *testing.B, f *flow.Flow, s *schemas.Samples, splits <-chan schemas.Split) {
	for {
		select {
		case <-ctx.Done():
			return
		case split := <-splits:
			s.Epoch, s.Index, s.IDs, s.Labels = split.Epoch, split.Index, s.IDs[:0], s.Labels[:0]
			for _, img := range split.Images {
				s.IDs, s.Labels = append(s.IDs, img.ID), append(s.Labels, img.Label)
			}
			msg, err := schemas.Encode(s)
			if err != nil {
				b.Error(err)
				return
			}
			msg.Header.Set(schemas.AugmenterHeader, "bench")
			msg.Header.Set(schemas.SecondsHeader, schemas.Effort{}.String())
			if err := f.PublishMsg(ctx, msg); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}
	}
}

// bare is the same with nats.go alone: messages that are ready are published, and
// acknowledged when they come.
func (q *queue) bare(b *testing.B, ready func()) { q.alone(b, ready, func([]byte) {}) }

// hashed is bare with a digest of each message at both ends, as samples have.
func (q *queue) hashed(b *testing.B, ready func()) {
	q.alone(b, ready, func(body []byte) { schemas.DigestOf(body) })
}

func (q *queue) alone(b *testing.B, ready func(), look func(body []byte)) {
	nc, js := q.plain(b)
	defer nc.Close()
	consuming, from := q.plain(b)
	defer consuming.Close()
	msg, err := schemas.Encode(q.ready())
	if err != nil {
		b.Fatal(err)
	}
	msg.Subject = "bare.run"
	config := schemas.Streams(1)[slices.IndexFunc(schemas.Streams(1), func(s jetstream.StreamConfig) bool { return s.Name == schemas.SamplesStream })]
	config.Name, config.Subjects = "BARE", []string{"bare.*"}
	if _, err := js.CreateOrUpdateStream(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	consumer := schemas.SamplesConsumer("run")
	consumer.FilterSubject = "bare.run"
	c, err := from.CreateOrUpdateConsumer(b.Context(), "BARE", consumer)
	if err != nil {
		b.Fatal(err)
	}
	credit, came := make(chan struct{}, queueCredit), make(chan struct{}, queueMessages)
	ready()
	consume, err := c.Consume(func(m jetstream.Msg) {
		look(m.Data())
		failing(b, m.Ack())
		<-credit
		came <- struct{}{}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer consume.Stop()
	for range queueMessages {
		credit <- struct{}{}
		look(msg.Data)
		if _, err := js.PublishMsgAsync(&nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: msg.Data}, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	for range queueMessages {
		<-came
	}
}

// ready are samples like those of a split.
func (q *queue) ready() *schemas.Samples {
	s := q.samples()
	for i := range q.plan.SplitBytes() / q.recipe.BytesPerImage() {
		s.IDs, s.Labels = append(s.IDs, int64(i)), append(s.Labels, 0)
	}
	return s
}

func (q *queue) plain(b *testing.B) (*nats.Conn, jetstream.JetStream) {
	nc, err := nats.Connect(q.url)
	if err != nil {
		b.Fatal(err)
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(queueWindow))
	if err != nil {
		b.Fatal(err)
	}
	return nc, js
}
