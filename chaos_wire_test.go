package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// meddle is what happens to messages on their way: it returns others.
type meddle func(testing.TB, []*nats.Msg) []*nats.Msg

func lost(testing.TB, []*nats.Msg) []*nats.Msg           { return nil }
func twice(_ testing.TB, msgs []*nats.Msg) []*nats.Msg   { return append(msgs, msgs...) }
func reverse(_ testing.TB, msgs []*nats.Msg) []*nats.Msg { slices.Reverse(msgs); return msgs }

// tamper replaces the samples on their way to the trainer by what change makes
// of them. The trainer sleeps meanwhile.
func (s *system) tamper(js jetstream.JetStream, trainer *process, change meddle) {
	s.t.Helper()
	var msgs []*nats.Msg
	s.await("samples on their way", func() bool {
		trainer.stop()
		// It may sleep with all the credit, or before it asks again for what it
		// has just refused.
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if msgs = s.genuine(js); len(msgs) > 0 {
				return true
			}
		}
		trainer.wake()
		time.Sleep(50 * time.Millisecond) // of work
		return false
	})
	defer trainer.wake()
	stream, err := js.Stream(s.t.Context(), schemas.SamplesStream)
	if err == nil {
		err = stream.Purge(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range change(s.t, msgs) {
		s.publish(js, m)
	}
}

// forger is the augmenter that makes what augmenters do not.
const forger = "forger"

// genuine are the samples on their way that nobody has tampered with.
func (s *system) genuine(js jetstream.JetStream) []*nats.Msg {
	s.t.Helper()
	return slices.DeleteFunc(s.waiting(js, schemas.SamplesStream), func(m *nats.Msg) bool {
		whole := schemas.Decode(m.Header, bytes.Clone(m.Data), new(schemas.Samples)) == nil && m.Header.Get(schemas.DigestHeader) != ""
		return !whole || m.Header.Get(schemas.AugmenterHeader) == forger
	})
}

// waiting are the messages in a stream, to be published again.
func (s *system) waiting(js jetstream.JetStream, stream string) (msgs []*nats.Msg) {
	s.t.Helper()
	for _, m := range s.stored(js, stream) {
		msgs = append(msgs, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	}
	return msgs
}

func (s *system) publish(js jetstream.JetStream, m *nats.Msg) {
	s.t.Helper()
	if _, err := js.PublishMsg(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
}

// forge makes another message of m, with all the seals of a right one.
func forge(t testing.TB, m *nats.Msg, change func(*schemas.Samples)) *nats.Msg {
	t.Helper()
	var samples schemas.Samples
	if err := schemas.Decode(m.Header, bytes.Clone(m.Data), &samples); err != nil {
		t.Fatal(err)
	}
	change(&samples)
	forged, err := schemas.Encode(&samples)
	if err != nil {
		t.Fatal(err)
	}
	forged.Subject = m.Subject
	forged.Header.Set(schemas.AugmenterHeader, forger)
	return forged
}

// flipped is m with one bit changed.
func flipped(m *nats.Msg, bit int) *nats.Msg {
	data := bytes.Clone(m.Data)
	data[bit/8] ^= 1 << (bit % 8)
	return &nats.Msg{Subject: m.Subject, Header: m.Header, Data: data}
}

// before gives samples the place of the split before, of 8 in an epoch. The one
// behind may not have been issued, and then they would be no news to anybody.
func before(m *schemas.Samples) {
	if m.Index--; m.Index < 0 {
		m.Epoch, m.Index = m.Epoch-1, 7
	}
}

// A meddling is what happens to samples on their way, and what is said of it.
type meddling struct {
	name   string
	change meddle
	want   string // in the trainer's log
	brief  bool   // also in the short suite
}

// each meddles with one message at a time.
func each(change func(*nats.Msg) *nats.Msg) meddle {
	return func(_ testing.TB, msgs []*nats.Msg) []*nats.Msg {
		for i, m := range msgs {
			msgs[i] = change(m)
		}
		return msgs
	}
}

// forged meddles with what is in a message, and seals it again.
func forged(change func(*schemas.Samples)) meddle {
	return func(t testing.TB, msgs []*nats.Msg) []*nats.Msg {
		return each(func(m *nats.Msg) *nats.Msg { return forge(t, m, change) })(t, msgs)
	}
}

func meddlings() []meddling {
	return []meddling{
		{"lost", lost, "", true},
		{"repeated", twice, "", true},
		{"in another order", reverse, "", false},
		{"of another epoch", forged(func(m *schemas.Samples) { m.Epoch = 1 << 40 }), "", false},
		{"a bit of a pixel", each(func(m *nats.Msg) *nats.Msg { return flipped(m, 8*len(m.Data)-1) }), "changed on the way", true},
		{"a bit of the header", each(func(m *nats.Msg) *nats.Msg { return flipped(m, 100) }), "changed on the way", false},
		{"cut short", each(func(m *nats.Msg) *nats.Msg { m.Data = m.Data[:len(m.Data)/2]; return m }), "changed on the way", false},
		{"without a digest", each(func(m *nats.Msg) *nats.Msg { m.Header.Del(schemas.DigestHeader); return m }), "without the header", false},
		{"garbage", each(func(m *nats.Msg) *nats.Msg {
			return &nats.Msg{Subject: m.Subject, Data: []byte("garbage")}
		}), "unexpected message type", false},
		{"garbage with a type", each(func(m *nats.Msg) *nats.Msg {
			return &nats.Msg{Subject: m.Subject, Data: []byte("garbage"), Header: nats.Header{schemas.TypeHeader: m.Header[schemas.TypeHeader]}}
		}), "invalid message", false},
		{"of another run", forged(func(m *schemas.Samples) { m.Run = "another" }), `run \"another\"`, true},
		{"of another fingerprint", forged(func(m *schemas.Samples) { m.Fingerprint = foreign }), foreign, true},
		{"of another split", forged(before), "refused", false},
		{"with other labels", forged(func(m *schemas.Samples) { m.Labels[0]++ }), "has another label", false},
		{"with an image twice", forged(func(m *schemas.Samples) { *m = stretched(*m, 2) }), "refused", false},
		{"of many more pixels", forged(func(m *schemas.Samples) { *m = enlarged(*m, 64) }), "64 pixels a side", false},
		{"as large as NATS takes them", func(t testing.TB, msgs []*nats.Msg) []*nats.Msg {
			if len(msgs) > 0 { // no more, or the others would find no room
				msgs[0] = forge(t, msgs[0], func(m *schemas.Samples) { *m = swollen(*m) })
			}
			return msgs
		}, "pixels a side", true},
		{"with a view more", forged(func(m *schemas.Samples) { m.Views = append(m.Views, m.Views[0]) }), "have 3 views, want 2", false},
	}
}

// TestChaosWire has messages lost, repeated, shuffled and forged on their way
// to the trainer. What it must not train on it refuses, with a reason; and with
// nothing but that in its hands it goes on.
func TestChaosWire(t *testing.T) {
	brief(t)
	beside(t)
	all := slices.DeleteFunc(meddlings(), func(m meddling) bool { return !long() && !m.brief })
	for some := range slices.Chunk(all, 6) { // as many as one run has splits for
		var names []string
		for _, m := range some {
			names = append(names, m.name)
		}
		t.Run(strings.Join(names, ", "), func(t *testing.T) {
			s, trainer := begin(t, "a", "b")
			js := s.jetStream()
			s.reach(snapshotEvery)
			for _, m := range some {
				before := len(trainer.log.String())
				s.tamper(js, trainer, m.change)
				s.await(fmt.Sprintf("%q in the trainer's log, of samples %s", m.want, m.name), func() bool {
					return strings.Contains(trainer.log.String()[before:], m.want)
				})
			}
			s.finish()
		})
	}
}

// stretched has all its rows n times, under ids of their own.
func stretched(m schemas.Samples, n int) schemas.Samples {
	rows := len(m.IDs)
	for i := rows; i < n*rows; i++ {
		m.IDs = append(m.IDs, m.IDs[i-rows]+1000)
		m.Labels = append(m.Labels, m.Labels[i-rows])
	}
	for i, v := range m.Views {
		m.Views[i].Data = bytes.Repeat(v.Data, n)
	}
	return m
}

// swollen fills a message.
func swollen(m schemas.Samples) schemas.Samples {
	room := float64(schemas.MaxPayload - 64<<10)
	return enlarged(m, int(math.Sqrt(room/float64(3*len(m.Views)*len(m.IDs)))))
}

// enlarged has views of that side.
func enlarged(m schemas.Samples, side int) schemas.Samples {
	for i := range m.Views {
		m.Views[i] = schemas.Pixels{Size: side, Data: make([]byte, len(m.IDs)*side*side*3)}
	}
	return m
}

// TestChaosRepeatThatDiffers: when two augmenters make different bytes of one
// split, the run stops and names both and the image, also if the split was
// trained on long before.
func TestChaosRepeatThatDiffers(t *testing.T) {
	thorough(t)
	beside(t)
	s, trainer := begin(t, "honest")
	js := s.jetStream()
	var repeat *nats.Msg
	var id int64
	s.tamper(js, trainer, func(t testing.TB, msgs []*nats.Msg) []*nats.Msg {
		repeat = forge(t, msgs[0], func(m *schemas.Samples) {
			last := len(m.IDs) - 1
			id = m.IDs[last]
			m.Views[1].Data[last*16*16*3+100] ^= 1
		})
		return msgs
	})
	s.reach(s.status().Step + 2*snapshotEvery)
	s.publish(js, repeat)
	sum := s.end("failed")
	for _, want := range []string{`"honest"`, `"forger"`, fmt.Sprintf("image %d", id)} {
		if !strings.Contains(sum.Error, want) {
			t.Errorf("error: have %s, want %s in it", sum.Error, want)
		}
	}
}
