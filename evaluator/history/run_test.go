package history

import (
	"errors"
	"slices"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// keep writes the documents of a run.
func keep(t *testing.T, l *ledger.Ledger, documents map[string]any, reports ...schemas.Report) {
	t.Helper()
	for document, v := range documents {
		if err := l.Write(t.Context(), "r", document, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range reports {
		if err := l.WriteReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	l := ledger.New(new(bucket.Memory))
	if _, err := Read(t.Context(), l, "r"); !errors.Is(err, ErrUnknown) {
		t.Errorf("have %v, want ErrUnknown", err)
	}
	keep(t, l, map[string]any{
		ledger.Request: schemas.RunRequest{Run: "r", Dataset: "d", Config: schemas.Config{Method: "simclr"}},
	})
	if r, err := Read(t.Context(), l, "r"); err != nil || r.State != Waiting || r.Dataset != "d" {
		t.Errorf("have %+v and %v, want a run that waits", r, err)
	}
	keep(t, l, map[string]any{
		ledger.State:   ledger.Status{Run: "r", State: ledger.Running, Step: 20, Steps: 40, Updated: noon},
		ledger.Rejects: []schemas.Reject{{Run: "r", Key: "d/x.jpg", Reason: "broken"}},
		ledger.Curves:  ledger.Curve{Points: []schemas.Metric{{Step: 10, Loss: 2}}},
	},
		schemas.Report{Run: "r", Step: 0, Probe: "linear", Value: 0.4, Test: 10},
		schemas.Report{Run: "r", Step: 20, Probe: "knn", Value: 0.5, Test: 10, Note: "a note"},
		schemas.Report{Run: "r", Step: 20, Probe: "linear", Value: 0.6, Test: 10, Note: "a note"},
		schemas.Report{Run: "r", Step: 20, Probe: "rankme", Value: 30},
	)
	r, err := Read(t.Context(), l, "r")
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != "simclr" || r.Steps != 20 || len(r.Rejects) != 1 || r.Last().Loss != 2 || len(r.Reports) != 4 || !r.Labelled() || !r.Live() {
		t.Errorf("have %+v", r)
	}
	if len(r.Probes) != 2 {
		t.Fatalf("have %d rows of probes, want one for each of two steps", len(r.Probes))
	}
	p := r.Probes[1]
	if p.Step != 20 || *p.LinearTop1 != 0.6 || *p.KNNTop1 != 0.5 || p.Others["rankme"] != 30 || !slices.Equal(p.Notes, []string{"a note"}) {
		t.Errorf("have %+v", p)
	}
}

// TestAddAndRenew: metrics carry a run on, and what is read again does not take
// it back behind them.
func TestAddAndRenew(t *testing.T) {
	look := &schemas.Collapse{Rank: 3}
	r := &Run{Summary: Summary{State: ledger.Running, Steps: 20}, Updated: noon}
	r.Add(schemas.Metric{Time: noon.Add(-time.Second), Step: 19, State: ledger.Running})
	if len(r.Curve.Points) != 0 || r.Steps != 20 {
		t.Errorf("have %+v, want an old metric left out", r)
	}
	r.Add(schemas.Metric{Time: noon.Add(time.Second), Step: 21, Steps: 40, State: ledger.Running, Loss: 1, Collapse: look})
	r.Add(schemas.Metric{Time: noon.Add(2 * time.Second), Step: 22, Steps: 40, State: ledger.Running, Loss: 0.5})
	if r.Steps != 22 || r.Last().Loss != 0.5 || r.Collapse() != look {
		t.Errorf("have %+v, want step 22 with the last look at the embedding", r)
	}
	r.Renew(&Run{Summary: Summary{State: ledger.Running, Steps: 20, Rejected: 7}, Updated: noon})
	if r.Steps != 22 || r.Rejected != 7 || len(r.Curve.Points) != 2 {
		t.Errorf("have %+v, want step 22 still, and 7 rejects", r)
	}
	r.Renew(&Run{Summary: Summary{State: ledger.Finished, Steps: 40}, Updated: noon.Add(time.Minute)})
	if r.Steps != 40 || r.Live() {
		t.Errorf("have %+v, want the end", r)
	}
	r.Add(schemas.Metric{Time: noon.Add(2 * time.Minute), Step: 40, State: ledger.Failed, Error: "out of luck"})
	if r.State != ledger.Failed || r.Error != "out of luck" {
		t.Errorf("have %+v, want a failure", r)
	}
}
