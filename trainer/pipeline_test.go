package trainer

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/ml/model"

	"selfstream/trainer/feed"
)

// content is all that a store's variables hold.
func content(store *model.Store) map[string]string {
	all := map[string]string{}
	for v := range store.IterVariables() {
		all[v.Path()] = fmt.Sprint(v.MustValue().Value())
	}
	return all
}

// TestPipelineIsStepByStep: steps that are counted late, on batches that are
// brought early, have the figures, the order and the weights of steps made one by
// one.
func TestPipelineIsStepByStep(t *testing.T) {
	const steps = 5
	m := byol(t)
	for _, parts := range []int{1, 2} {
		oneByOne, piped := model.NewStore(), model.NewStore()
		l := newTestLearner(t, oneByOne, m, "adamw", 8, parts, 0.5)
		var want []string
		for i := range steps {
			f := mustStep(t, l, testBatch(m, 8, uint64(i)), 0.01, 0)
			want = append(want, fmt.Sprint(i, f.loss, f.values))
		}

		l = newTestLearner(t, piped, m, "adamw", 8, parts, 0.5)
		var have []string
		p := pipeline{learner: l, count: func(made made) error {
			f := l.read(made.outcome)
			have = append(have, fmt.Sprint(made.IDs[0], f.loss, f.values))
			return nil
		}}
		batches, ready := make(chan *feed.Batch, steps), make(chan loaded)
		for i := range steps {
			b := testBatch(m, 8, uint64(i))
			b.IDs[0] = int64(i)
			batches <- b
		}
		close(batches)
		go func() { _ = l.loadAll(t.Context(), batches, ready) }()
		for b := range ready {
			if err := p.step(b, 0.01, 0); err != nil {
				t.Fatal(err)
			}
		}
		if len(have) != steps-1 {
			t.Errorf("%d parts: have %d steps counted before the last is asked for, want %d", parts, len(have), steps-1)
		}
		if err := errors.Join(p.drain(), p.drain()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%d parts: have %v, want %v", parts, have, want)
		}
		bits := content(piped)
		for path, value := range content(oneByOne) {
			if bits[path] != value {
				t.Errorf("%d parts: %s differs", parts, path)
			}
		}
	}
}

// TestPipelineStops: a step that must not count ends the pipeline, also where the
// next one is made already.
func TestPipelineStops(t *testing.T) {
	m := byol(t)
	l := newTestLearner(t, model.NewStore(), m, "sgd", 8, 1, 0)
	diverged := errors.New("diverged")
	p := pipeline{learner: l, count: func(made) error { return diverged }}
	b := testBatch(m, 8, 1)
	if err := p.step(mustLoad(t, l, b), 0.01, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.step(mustLoad(t, l, b), 0.01, 0); !errors.Is(err, diverged) {
		t.Errorf("have %v, want %v", err, diverged)
	}
	if err := p.drain(); err != nil {
		t.Errorf("have %v, want nothing left to count", err)
	}
}
