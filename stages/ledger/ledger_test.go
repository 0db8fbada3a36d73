package ledger_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

func TestDocumentsComeBack(t *testing.T) {
	l := ledger.New(new(bucket.Memory))
	want := ledger.Status{Run: "r", State: ledger.Running, Step: 7, Warnings: []string{"w"}}
	if err := l.Write(t.Context(), "r", ledger.State, want); err != nil {
		t.Fatal(err)
	}
	var have ledger.Status
	if err := l.Read(t.Context(), "r", ledger.State, &have); err != nil || have.Step != 7 || have.State != want.State || !slices.Equal(have.Warnings, want.Warnings) {
		t.Errorf("have %+v and %v, want %+v", have, err, want)
	}
	if err := l.Read(t.Context(), "r", ledger.Manifest, &have); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v, want fs.ErrNotExist", err)
	}
	if there, err := l.Find(t.Context(), "r", ledger.Manifest, &have); there || err != nil {
		t.Errorf("have %v and %v, want no manifest", there, err)
	}
	if err := l.Bucket().Put(t.Context(), "r/"+ledger.State, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if there, err := l.Find(t.Context(), "r", ledger.State, &have); there || err == nil {
		t.Errorf("have %v and %v, want an error about broken JSON", there, err)
	}
	if err := l.Read(t.Context(), "r", ledger.State, &have); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v, want an error about broken JSON", err)
	}
}

// TestRunsAreThoseWithADocument: what else lies in the bucket is no run.
func TestRunsAreThoseWithADocument(t *testing.T) {
	b := new(bucket.Memory)
	l := ledger.New(b)
	for run, document := range map[string]string{"b": ledger.Request, "a": ledger.State, "c": "snapshots/00000000/card.json"} {
		if err := l.Write(t.Context(), run, document, struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Write(t.Context(), "b", ledger.State, struct{}{}); err != nil {
		t.Fatal(err)
	}
	if have, err := l.Runs(t.Context()); err != nil || !slices.Equal(have, []string{"a", "b"}) {
		t.Errorf("have %v and %v, want a and b", have, err)
	}
}

func TestReportsAreInOrder(t *testing.T) {
	l := ledger.New(new(bucket.Memory))
	for _, r := range []schemas.Report{
		{Run: "r", Step: 100, Probe: "linear", Value: 0.5},
		{Run: "r", Step: 20, Probe: "linear", Value: 0.4},
		{Run: "r", Step: 100, Probe: "knn", Value: 0.3},
		{Run: "other", Step: 1, Probe: "knn"},
	} {
		if err := l.WriteReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	reports, err := l.Reports(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	var have []float64
	for _, r := range reports {
		have = append(have, r.Value)
	}
	if want := []float64{0.4, 0.3, 0.5}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v: by step, then by probe", have, want)
	}
}
