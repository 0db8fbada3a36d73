package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
	"selfstream/stages/ledger"
	"selfstream/trainer/snapshot"
)

const (
	soakTime   = 2 * time.Minute // after which no new round begins
	soakFaults = 12              // in a round, after which it is left to finish
)

// TestChaosSoak trains under faults drawn at random, one round after the other,
// each with the seed after that of the one before. It tells of each fault, and
// a round's seed gives the same faults again:
//
//	SELFSTREAM_CHAOS_SEED  of the first round; 1 if not set
//	SELFSTREAM_CHAOS_TIME  after which no new round begins, 2m if not set
func TestChaosSoak(t *testing.T) {
	thorough(t)
	seed, limit := uint64(1), soakTime
	var err error
	if v := os.Getenv("SELFSTREAM_CHAOS_SEED"); v != "" {
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if v := os.Getenv("SELFSTREAM_CHAOS_TIME"); v != "" {
		if limit, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	for start := time.Now(); time.Since(start) < limit && !t.Failed(); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Logf("again: SELFSTREAM_CHAOS=1 SELFSTREAM_CHAOS_SEED=%d SELFSTREAM_CHAOS_TIME=1s go test -run TestChaosSoak -v .", seed)
			soak(t, seed)
		})
	}
}

// soak is one round.
func soak(t *testing.T, seed uint64) {
	s, trainer := begin(t)
	r := &round{system: s, learner: trainer, draw: rand.New(rand.NewPCG(seed, 0))}
	for i := range 3 {
		r.augmenters = append(r.augmenters, s.augmenter(fmt.Sprintf("a%d", i), 1+i))
	}
	faults := r.faults()
	for range soakFaults {
		r.pause(1500 * time.Millisecond)
		if s.status().State == ledger.Finished {
			break
		}
		f := faults[r.draw.IntN(len(faults))]
		t.Logf("step %d: %s", s.status().Step, f.name)
		f.strike()
	}
	s.finish()
	s.ask() // for the announcements that the storage of NATS has taken with it
	s.announced(s.kept())
}

// kept are the steps of the plan of which there is a snapshot: one may have
// found no room, or may be gone since.
func (s *system) kept() []int {
	s.t.Helper()
	steps, err := snapshot.Steps(s.t.Context(), s.ledger.Bucket(), chaosRun)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(steps, func(step int) bool { return !slices.Contains(planned(), step) })
}

// round is a system under random faults.
type round struct {
	*system
	learner    *process // the trainer
	augmenters []*process
	draw       *rand.Rand
}

type strike struct {
	name   string
	strike func()
}

func (r *round) faults() []strike {
	return []strike{
		{"an augmenter is killed", func() { a := r.any(); a.kill(); r.pause(time.Second); a.restart() }},
		{"an augmenter is told to stop", func() { a := r.any(); a.terminate(); r.pause(time.Second); a.restart() }},
		{"an augmenter sleeps", func() { a := r.any(); a.stop(); r.pause(4 * time.Second); a.wake() }},
		{"the trainer is killed", func() { r.learner.kill(); r.pause(time.Second); r.learner.restart(); r.ask() }},
		{"the trainer is told to stop", func() { r.learner.terminate(); r.learner.restart() }},
		{"the trainer sleeps", func() { r.learner.stop(); r.pause(4 * time.Second); r.learner.wake() }},
		{"NATS is killed", func() { r.restartNATS(false) }},
		{"NATS is killed and its storage deleted", func() { r.restartNATS(true); r.ask() }},
		{"the S3 is killed", func() { r.s3.kill(); r.pause(time.Second); r.s3.restart() }},
		{"the S3 is gone", func() { r.suffer(gone, 4*time.Second) }},
		{"the S3 is slow", func() { r.suffer(slow(200*time.Millisecond), 4*time.Second) }},
		{"the S3 fails", func() { r.suffer(failing(500, 3), 4*time.Second) }},
		{"the S3 asks to slow down", func() { r.suffer(failing(503, 2), 4*time.Second) }},
		{"the S3 truncates bodies", func() { r.suffer(truncating(3), 4*time.Second) }},
		{"the bucket is full", func() { r.suffer(full, 4*time.Second) }},
		{"samples are lost", func() { r.meddle(func(m *nats.Msg) []*nats.Msg { return nil }) }},
		{"samples are repeated", func() { r.meddle(func(m *nats.Msg) []*nats.Msg { return []*nats.Msg{m, m} }) }},
		{"bits of samples flip", func() {
			bit := r.draw.IntN(1 << 30)
			r.meddle(func(m *nats.Msg) []*nats.Msg { return []*nats.Msg{flipped(m, bit%(8*len(m.Data)))} })
		}},
		{"splits are lost", func() { r.purge(r.jetStream(), schemas.SplitsStream) }},
		{"garbage comes", func() {
			r.publish(r.jetStream(), &nats.Msg{Subject: schemas.Samples{Run: chaosRun}.Subject(), Data: []byte("garbage")})
		}},
	}
}

// pause lasts any time up to d.
func (r *round) pause(d time.Duration) { time.Sleep(time.Duration(r.draw.Int64N(int64(d)))) }

// any is one of the augmenters.
func (r *round) any() *process { return r.augmenters[r.draw.IntN(len(r.augmenters))] }

func (r *round) suffer(f fault, most time.Duration) {
	r.faulty.suffer(f)
	r.pause(most)
	r.faulty.suffer(nil)
}

// meddle replaces the samples that wait for the trainer at this moment.
func (r *round) meddle(change func(*nats.Msg) []*nats.Msg) {
	r.t.Helper()
	js := r.jetStream()
	msgs := r.genuine(js)
	r.purge(js, schemas.SamplesStream)
	for _, m := range msgs {
		for _, m := range change(m) {
			r.publish(js, m)
		}
	}
}

func (r *round) purge(js jetstream.JetStream, stream string) {
	r.t.Helper()
	st, err := js.Stream(r.t.Context(), stream)
	if err == nil {
		err = st.Purge(r.t.Context())
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		r.t.Fatal(err)
	}
}
