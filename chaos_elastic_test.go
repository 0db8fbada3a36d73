package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"selfstream/schemas"
)

// TestChaosElastic trains with fleets of all sizes, besides the one augmenter of
// the undisturbed run, and with a fleet that changes all the time.
func TestChaosElastic(t *testing.T) {
	thorough(t)
	beside(t)
	for _, tc := range []struct{ processes, workers int }{{1, 2}, {1, 4}, {1, 8}, {2, 1}, {4, 2}, {8, 1}} {
		t.Run(fmt.Sprintf("%d processes of %d", tc.processes, tc.workers), func(t *testing.T) {
			s, _ := begin(t)
			for i := range tc.processes {
				s.augmenter(fmt.Sprintf("a%d", i), tc.workers)
			}
			s.finish()
		})
	}
	t.Run("joining and leaving", func(t *testing.T) {
		s, _ := begin(t)
		fleet := []*process{s.augmenter("a0", 1)}
		for step := snapshotEvery; step <= 100; step += snapshotEvery {
			s.reach(step)
			fleet = append(fleet, s.augmenter(fmt.Sprintf("a%d", step), 1+step%3))
			fleet[0].terminate()
			fleet = fleet[1:]
		}
		s.finish()
	})
}

// TestChaosMemory has the trainer sleep, with all its credit given, while the
// augmenters go on, and then work a tenth of the time: they must stop when the
// credit is used up, and nothing may grow beyond it.
func TestChaosMemory(t *testing.T) {
	thorough(t)
	beside(t)
	const credit = 1 << 20 // of system.trainer
	s, trainer := begin(t)
	js := s.jetStream()
	var before, splits uint64
	s.await("all splits that the credit allows", func() bool {
		before, splits = splits, s.bytes(js, schemas.SplitsStream)
		return splits > 0 && splits == before
	})
	trainer.stop()
	augmenters := []*process{s.augmenter("a", 2), s.augmenter("b", 2)}
	var peak uint64
	for asleep := time.Now(); time.Since(asleep) < time.Minute; time.Sleep(100 * time.Millisecond) {
		peak = max(peak, s.bytes(js, schemas.SamplesStream))
	}
	// The headers of samples and messages are not counted by the credit.
	if peak < credit/2 || peak > credit*11/10 {
		t.Errorf("bytes in %s: have %d at the peak, want about the credit of %d", schemas.SamplesStream, peak, credit)
	}
	if left := s.bytes(js, schemas.SplitsStream); left != 0 {
		t.Errorf("bytes in %s: have %d, want none as there is no more credit", schemas.SplitsStream, left)
	}
	for range 100 {
		trainer.wake()
		time.Sleep(10 * time.Millisecond)
		trainer.stop()
		time.Sleep(90 * time.Millisecond)
		peak = max(peak, s.bytes(js, schemas.SamplesStream))
	}
	trainer.wake()
	if peak > credit*11/10 {
		t.Errorf("bytes in %s with a slow trainer: have %d at the peak, want at most the credit of %d", schemas.SamplesStream, peak, credit)
	}
	for _, a := range augmenters {
		// Most of it is the program and what it has loaded.
		have := a.peakMemory()
		t.Logf("%s: %d bytes at the peak; augmenter %s: %d MiB", schemas.SamplesStream, peak, a.name, have>>20)
		if have > 128<<20 {
			t.Errorf("peak memory of augmenter %s: have %d MiB, want at most 128", a.name, have>>20)
		}
	}
	s.finish()
	s.buffered(js, credit*11/10)
}

func (s *system) bytes(js jetstream.JetStream, stream string) uint64 {
	s.t.Helper()
	st, err := js.Stream(s.t.Context(), stream)
	if err != nil {
		s.t.Fatal(err)
	}
	return st.CachedInfo().State.Bytes
}

// buffered holds what the trainer said to have waiting against a limit.
func (s *system) buffered(js jetstream.JetStream, limit int64) {
	s.t.Helper()
	var peak int64
	for _, m := range s.stored(js, schemas.MetricsStream) {
		var metric schemas.Metric
		if err := schemas.Decode(m.Header, m.Data, &metric); err != nil {
			s.t.Fatal(err)
		}
		peak = max(peak, metric.BufferedBytes)
	}
	if peak == 0 || peak > limit {
		s.t.Errorf("bytes waiting in the trainer: have %d at the peak, want at most %d", peak, limit)
	}
}

// peakMemory is the most that the process has had in memory, in bytes. It
// skips the test where the system does not tell.
func (p *process) peakMemory() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skip("no /proc to ask how much memory a process has: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kib << 10
		}
	}
	p.t.Fatal("have no VmHWM")
	return 0
}

// TestChaosStraggler: an augmenter ten times slower than the others does not
// slow the run below what these do without it.
func TestChaosStraggler(t *testing.T) {
	thorough(t)
	// Of an image; an augmenter fetches all images of a split at once. The trainer
	// has to wait for augmenters as slow as that.
	const pace = 150 * time.Millisecond
	s, _ := begin(t)
	fast := newFaultyS3(t, "127.0.0.1:"+s.s3Port)
	fast.suffer(slow(pace))
	s.augmenterOver(fast, "fast", 4)
	first := s.secondsTo(40, 80)
	laggard := newFaultyS3(t, "127.0.0.1:"+s.s3Port)
	met := make(chan struct{})
	laggard.suffer(both(onImage(func() { close(met) }), slow(10*pace)))
	s.augmenterOver(laggard, "laggard", 1)
	s.met(met)
	second := s.secondsTo(100, 140)
	t.Logf("40 steps took %.1f s without the laggard, %.1f s with it", first, second)
	if second > first/0.6 {
		t.Errorf("40 steps: have %.1f s with the laggard, want at most %.1f s, as they took %.1f s without it", second, first/0.6, first)
	}
	s.finish()
}

// secondsTo is how long the run takes from one step to another.
func (s *system) secondsTo(from, to int) float64 {
	s.t.Helper()
	s.reach(from)
	start := time.Now()
	s.reach(to)
	return time.Since(start).Seconds()
}
