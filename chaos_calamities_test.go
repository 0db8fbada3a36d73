package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// fleet is how many augmenters a round of the soak has.
const fleet = 3

// What calamities befall.
var (
	onTrainer = []string{"trainer"}
	onNetwork = []string{"network"} // between the services and the S3
	onServers = []string{"servers"} // one at a time, as the test needs both to ask for a run
	onBoth    = []string{"trainer", "network"}
)

// calamities are all that can befall a round, kind by kind.
func (r *round) calamities() [][]calamity {
	return [][]calamity{r.toAugmenters(), r.toTrainer(), r.toServers(), r.toNetwork(), r.toMessages()}
}

func (r *round) toAugmenters() (all []calamity) {
	for i := range fleet {
		name := fmt.Sprintf("a%d", i)
		a := func() *process { return r.augmenters[i] }
		restart := func() { a().restart() }
		all = append(all,
			calamity{name + " is killed", []string{name}, func() { a().kill() }, restart},
			calamity{name + " is told to stop", []string{name}, func() { a().terminate() }, restart},
			calamity{name + " sleeps", []string{name}, func() { a().stop() }, func() { a().wake() }},
		)
	}
	return all
}

func (r *round) toTrainer() []calamity {
	restart := func() { r.learner.restart(); r.unheard = true }
	return []calamity{
		{"the trainer is killed", onTrainer, func() { r.learner.kill() }, restart},
		{"the trainer is told to stop", onTrainer, func() { r.learner.terminate() }, restart},
		{"the trainer sleeps", onTrainer, func() { r.learner.stop() }, func() { r.learner.wake() }},
		r.killedAtPut("/state.safetensors", false),
		r.killedAtPut("/card.json", false),
		r.killedAtPut("/card.json", true),
	}
}

// killedAtPut kills the trainer around its next writing of a file, should there
// be one in time.
func (r *round) killedAtPut(suffix string, after bool) calamity {
	var mu sync.Mutex
	var armed, dead bool
	strike := func() {
		armed, dead = true, false
		r.faulty.suffer(onPut(suffix, after, func() {
			mu.Lock()
			defer mu.Unlock()
			if armed {
				r.learner.kill()
				dead = true
			}
		}))
	}
	mend := func() {
		r.faulty.suffer(nil)
		mu.Lock()
		defer mu.Unlock()
		if armed = false; dead {
			r.learner.restart()
			r.unheard = true
		}
	}
	when := "before"
	if after {
		when = "after"
	}
	return calamity{fmt.Sprintf("the trainer is to die %s writing %s", when, filepath.Base(suffix)), onBoth, strike, mend}
}

func (r *round) toServers() []calamity {
	start := func(p *process, ready func() bool) func() {
		return func() {
			p.restart()
			r.await(p.name, ready)
			r.down--
			r.unheard = true
		}
	}
	stop := func(p *process) { p.kill(); r.down++ }
	wipe := func() {
		if err := os.RemoveAll(filepath.Join(r.dir, "nats")); err != nil {
			r.t.Fatal(err)
		}
	}
	return []calamity{
		{"NATS is killed", onServers, func() { stop(r.nats) }, func() { start(r.nats, r.natsReady)() }},
		{"NATS is killed and its storage deleted", onServers, func() { stop(r.nats); wipe() }, func() { start(r.nats, r.natsReady)() }},
		{"the S3 is killed", onServers, func() { stop(r.s3) }, func() { start(r.s3, r.s3Ready)() }},
	}
}

func (r *round) toNetwork() (all []calamity) {
	for _, n := range []struct {
		name  string
		fault fault
	}{
		{"is gone", gone},
		{"is slow", slow(200 * time.Millisecond)},
		{"fails", failing(500, 3)},
		{"asks to slow down", failing(503, 2)},
		{"truncates bodies", truncating(3)},
		{"is full", full},
	} {
		all = append(all, calamity{"the S3 " + n.name, onNetwork, func() { r.faulty.suffer(n.fault) }, func() { r.faulty.suffer(nil) }})
	}
	return all
}

// toMessages are over at once, but need the servers.
func (r *round) toMessages() []calamity {
	all := []calamity{
		{"the request is repeated", onServers, func() { r.ask() }, nil},
		{"splits are lost", onServers, func() { r.replace(schemas.SplitsStream, lost) }, nil},
		{"splits are repeated", onServers, func() {
			r.replace(schemas.SplitsStream, twice)
		}, nil},
		{"bits of splits flip", onServers, func() {
			r.replace(schemas.SplitsStream, each(func(m *nats.Msg) *nats.Msg { return flipped(m, 4*len(m.Data)) }))
		}, nil},
	}
	for _, m := range meddlings() {
		all = append(all, calamity{"samples " + m.name, onServers, func() { r.replace(schemas.SamplesStream, m.change) }, nil})
	}
	return all
}

// replace changes the messages that wait in a stream at this moment.
func (r *round) replace(stream string, change meddle) {
	r.t.Helper()
	js := r.jetStream()
	msgs := r.waiting(js, stream)
	if stream == schemas.SamplesStream {
		msgs = r.genuine(js)
	}
	st, err := js.Stream(r.t.Context(), stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return // NATS has lost it, and nobody has missed it yet
	}
	if err == nil {
		err = st.Purge(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range change(r.t, msgs) {
		r.publish(js, m)
	}
}
