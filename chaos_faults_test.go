package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// thorough skips t unless the whole suite was asked for, which takes minutes.
func thorough(t *testing.T) {
	t.Helper()
	if os.Getenv("SELFSTREAM_CHAOS") == "" {
		t.Skip("part of the long chaos suite: make chaos")
	}
}

// brief skips t where quick tests were asked for.
func brief(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes: not with -short")
	}
}

// beside lets t run beside another test of the long suite: most wait most of
// their time.
func beside(t *testing.T) {
	t.Helper()
	if long() {
		t.Parallel()
	}
}

// long tells whether the whole suite was asked for.
func long() bool { return os.Getenv("SELFSTREAM_CHAOS") != "" }

var reference struct {
	sync.Mutex
	sum history.Summary
	err error
}

// undisturbed is the run as it is when nothing happens to it.
func undisturbed(t *testing.T) history.Summary {
	t.Helper()
	reference.Lock()
	defer reference.Unlock()
	if reference.sum.Run == "" && reference.err == nil {
		reference.err = errors.New("it did not finish")
		t.Run("undisturbed", func(t *testing.T) {
			s, _ := begin(t, "alone")
			reference.sum = s.end(ledger.Finished)
			reference.err = nil
		})
	}
	if reference.err != nil {
		t.Fatalf("the undisturbed run: %v", reference.err)
	}
	return reference.sum
}

// TestChaosNATSKilled restarts NATS in the middle of a run, with what it kept
// and without.
func TestChaosNATSKilled(t *testing.T) {
	brief(t)
	beside(t)
	for _, tc := range []struct {
		name string
		wipe bool
	}{{"storage kept", false}, {"storage deleted", true}} {
		t.Run(tc.name, func(t *testing.T) {
			if !tc.wipe {
				thorough(t)
			}
			s, _ := begin(t, "a", "b")
			s.reach(40)
			s.restartNATS(tc.wipe)
			s.finish()
		})
	}
}

// restartNATS kills NATS and starts it again.
func (s *system) restartNATS(wipe bool) {
	s.t.Helper()
	s.nats.kill()
	if wipe {
		if err := os.RemoveAll(filepath.Join(s.dir, "nats")); err != nil {
			s.t.Fatal(err)
		}
	}
	s.nats.restart()
	s.await("NATS", s.natsReady)
}

// TestChaosAugmenterKilled kills an augmenter as it is in the middle of a split,
// again and again.
func TestChaosAugmenterKilled(t *testing.T) {
	thorough(t)
	beside(t)
	s, _ := begin(t)
	a := s.augmenter("a", 2)
	s.augmenter("b", 1)
	for _, step := range []int{20, 60, 100} {
		s.reach(step)
		middle := make(chan struct{})
		s.faulty.suffer(onImage(func() { close(middle) }))
		s.met(middle)
		a.kill()
		s.faulty.suffer(nil)
		a.restart()
	}
	s.finish()
}

// TestChaosAugmenterStopped has an augmenter sleep until the server has taken
// its splits for lost, and wake up in the middle of them.
func TestChaosAugmenterStopped(t *testing.T) {
	thorough(t)
	beside(t)
	s, _ := begin(t)
	a := s.augmenter("a", 2)
	s.reach(40)
	middle := make(chan struct{})
	s.faulty.suffer(onImage(func() { a.stop(); close(middle) }))
	s.met(middle)
	s.faulty.suffer(nil)
	asleep := time.Now()
	wait := schemas.SplitsConsumer().AckWait + 3*time.Second
	s.await("AckWait", func() bool { return time.Since(asleep) > wait })
	s.augmenter("b", 1)
	s.reach(80)
	a.wake()
	s.finish()
}

// TestChaosS3 takes the S3 away, or makes it a bad one.
func TestChaosS3(t *testing.T) {
	brief(t)
	beside(t)
	outage := 3 * time.Second
	if long() {
		outage = 30 * time.Second
	}
	for _, tc := range []struct {
		name     string
		fault    fault
		requests int64
		least    time.Duration
		brief    bool
	}{
		{"gone", gone, 10, outage, true},
		{"slow", slow(300 * time.Millisecond), 100, 0, false},
		{"errors", failing(500, 3), 600, 0, false},
		{"asks to slow down", failing(503, 2), 400, 0, false},
		{"truncated bodies", truncating(3), 600, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !tc.brief {
				thorough(t)
			}
			s, _ := begin(t, "a", "b")
			s.reach(40)
			s.faulty.sufferUntil(s, tc.fault, tc.requests, tc.least)
			s.finish()
		})
	}
	t.Run("killed", func(t *testing.T) {
		thorough(t)
		s, _ := begin(t, "a", "b")
		s.reach(40)
		s.s3.kill()
		s.s3.restart()
		s.finish()
	})
	t.Run("gone as the run begins", func(t *testing.T) {
		thorough(t)
		s, _ := begin(t, "a", "b")
		met := make(chan struct{})
		s.faulty.suffer(onPut("/"+ledger.Manifest, false, func() { close(met) }))
		s.met(met)
		s.faulty.sufferUntil(s, gone, 8, 15*time.Second) // longer than the trainer's retries
		s.finish()
	})
}

// TestChaosBucketFull: snapshots that find no room are left out, and the last
// one waits for it.
func TestChaosBucketFull(t *testing.T) {
	thorough(t)
	beside(t)
	for _, step := range []int{40, 140} {
		t.Run(fmt.Sprintf("from step %d", step), func(t *testing.T) {
			s, trainer := begin(t, "a", "b")
			s.reach(step)
			s.faulty.suffer(full)
			word := "going on without a snapshot"
			if step == 140 {
				word = "trying again to write the last snapshot"
			}
			s.await(word, func() bool { return trainer.said(word) && trainer.said("make room") })
			s.faulty.suffer(nil)
			s.finish()
		})
	}
}

// stored are the messages of a stream; none if there is no such stream.
func (s *system) stored(js jetstream.JetStream, stream string) (all []*jetstream.RawStreamMsg) {
	s.t.Helper()
	st, err := js.Stream(s.t.Context(), stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for at := max(1, st.CachedInfo().State.FirstSeq); at <= st.CachedInfo().State.LastSeq; at++ {
		m, err := st.GetMsg(s.t.Context(), at)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}
