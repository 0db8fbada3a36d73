package main

import (
	"fmt"
	"slices"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// TestChaosTrainerKilled kills the trainer around the writing of a snapshot,
// and where it happens to be. Each snapshot of the plan must be announced all
// the same, or no evaluator would look at it.
func TestChaosTrainerKilled(t *testing.T) {
	brief(t)
	beside(t)
	for _, tc := range []struct {
		name  string
		key   string
		after bool
		brief bool
	}{
		{"before the manifest is written", "/manifest.json", false, false},
		{"before the request is written", "/request.json", false, false},
		{"after the request is written", "/request.json", true, false},
		{"before the first snapshot", "00000000/encoder.safetensors", false, false},
		{"before the encoder", "00000060/encoder.safetensors", false, false},
		{"before the state", "00000060/state.safetensors", false, false},
		{"before the card", "00000060/card.json", false, true},
		{"before the announcement", "00000060/card.json", true, false},
		{"before the last card", "00000160/card.json", false, false},
		{"before the last announcement", "00000160/card.json", true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !tc.brief {
				thorough(t)
			}
			s := newSystem(t)
			dead := make(chan struct{})
			var trainer *process
			started := make(chan struct{})
			s.faulty.suffer(onPut(tc.key, tc.after, func() {
				<-started
				trainer.kill()
				close(dead)
			}))
			s.ask()
			trainer = s.trainer()
			close(started)
			s.augmenter("a", 1)
			s.met(dead)
			trainer.restart()
			s.ask()
			s.finish()
			s.announced(planned())
		})
	}
	t.Run("after the run is finished", func(t *testing.T) {
		thorough(t)
		s, trainer := begin(t, "a")
		s.faulty.suffer(onFinished(func() { trainer.kill() }))
		s.end(ledger.Finished)
		trainer.restart()
		s.ask()
		s.finish()
		s.announced(planned())
	})
	t.Run("at any time, and asked for by nobody", func(t *testing.T) {
		thorough(t)
		s, trainer := begin(t, "a")
		s.reach(80)
		trainer.kill()
		trainer.restart()
		s.finish()
	})
	t.Run("with the storage of NATS", func(t *testing.T) {
		thorough(t)
		s, trainer := begin(t, "a")
		s.reach(80)
		trainer.kill()
		s.restartNATS(true)
		trainer.restart()
		s.ask()
		s.finish()
	})
	t.Run("told to stop", func(t *testing.T) {
		thorough(t)
		s, trainer := begin(t, "a")
		for step := 40; step < chaosSteps; step += 60 {
			s.reach(step)
			trainer.terminate()
			trainer.restart()
		}
		s.finish()
	})
}

// planned are the steps of all snapshots of the run.
func planned() (steps []int) {
	for step := 0; step <= chaosSteps; step += snapshotEvery {
		steps = append(steps, step)
	}
	return steps
}

// announced waits until snapshots of all these steps have been announced. Those
// of others may have been.
func (s *system) announced(steps []int) {
	s.t.Helper()
	js := s.jetStream()
	s.await(fmt.Sprintf("the announcements of %v", steps), func() bool {
		told := map[int]bool{}
		for _, m := range s.stored(js, schemas.SnapshotsStream) {
			var snapshot schemas.Snapshot
			if err := schemas.Decode(m.Header, m.Data, &snapshot); err != nil {
				s.t.Fatal(err)
			}
			told[snapshot.Step] = true
		}
		return !slices.ContainsFunc(steps, func(step int) bool { return !told[step] })
	})
}
