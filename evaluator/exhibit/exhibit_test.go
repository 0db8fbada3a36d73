package exhibit

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"selfstream/stages/bucket"
)

func sample() *Exhibit {
	return &Exhibit{
		Run: "r", Step: 7, Classes: []string{"cat", "dog"},
		Keys: []string{"d/a.png", "d/b.png", "d/c.png"}, Labels: []int32{0, 1, -1},
		Sheet: Sheet{JPEG: []byte("\xff\xd8 not much of one"), Tile: 32, Columns: 8},
		Map:   []float32{0.5, -1, 2, 0.25}, Variance: []float32{0.5, 0.25}, TSNE: []float32{8, -9, -8, 9}, Perplexity: 1.5,
		K: 1, Neighbours: []int32{2, 0}, Similarity: []float32{0.9, 0.8},
		Predicted: []int32{0, 0}, Confusion: []int32{1, 0, 1, 0}, Spectrum: []float32{0.75, 0.25},
		Correlation: []float32{0.9, 0.1, -0.2, 0.8},
	}
}

func TestRoundTrip(t *testing.T) {
	unlabelled := sample()
	unlabelled.Classes, unlabelled.Predicted, unlabelled.Confusion, unlabelled.Correlation = []string{}, nil, nil, nil
	unlabelled.Labels = []int32{-1, -1, -1}
	unlabelled.TSNE, unlabelled.Perplexity = nil, 0
	for _, want := range []*Exhibit{sample(), unlabelled} {
		data, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		have := new(Exhibit)
		if err := have.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("have %+v, want %+v", have, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*Exhibit){
		"a map of more images than there are": func(e *Exhibit) { e.Map = make([]float32, 8) },
		"an odd map":                          func(e *Exhibit) { e.Map = e.Map[:3] },
		"a second map of fewer":               func(e *Exhibit) { e.TSNE = e.TSNE[:2] },
		"a label too few":                     func(e *Exhibit) { e.Labels = e.Labels[:2] },
		"a label of no class":                 func(e *Exhibit) { e.Labels[0] = 2 },
		"one variance":                        func(e *Exhibit) { e.Variance = e.Variance[:1] },
		"a neighbour too few":                 func(e *Exhibit) { e.Neighbours = e.Neighbours[:1] },
		"a neighbour that is not there":       func(e *Exhibit) { e.Neighbours[0] = 3 },
		"a neighbour below zero":              func(e *Exhibit) { e.Neighbours[0] = -1 },
		"a prediction too few":                func(e *Exhibit) { e.Predicted = e.Predicted[:1] },
		"a prediction of no class":            func(e *Exhibit) { e.Predicted[0] = -1 },
		"a confusion too few":                 func(e *Exhibit) { e.Confusion = e.Confusion[:3] },
		"a correlation too few":               func(e *Exhibit) { e.Correlation = e.Correlation[:3] },
		"no tiles":                            func(e *Exhibit) { e.Sheet.Tile = 0 },
	} {
		e := sample()
		change(e)
		if _, err := e.MarshalBinary(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: have %v, want ErrInvalid", name, err)
		}
	}
}

// TestWriteKeepsFew: the exhibit of the untrained encoder stays, and the last
// ones.
func TestWriteKeepsFew(t *testing.T) {
	b := new(bucket.Memory)
	ctx := context.Background()
	if _, err := Read(ctx, b, "r", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v, want fs.ErrNotExist", err)
	}
	for _, step := range []int{0, 10, 20, 30, 40, 50} {
		e := sample()
		e.Step = step
		if err := Write(ctx, b, e); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := Steps(ctx, b, "r")
	if want := []int{0, 30, 40, 50}; err != nil || !slices.Equal(steps, want) {
		t.Errorf("have %v and %v, want %v", steps, err, want)
	}
	if e, err := Read(ctx, b, "r", 40); err != nil || e.Step != 40 {
		t.Errorf("have %+v and %v, want that of step 40", e, err)
	}
}

// FuzzUnmarshal: no file, whatever is in it, makes a reader fall over.
func FuzzUnmarshal(f *testing.F) {
	data, err := sample().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		e := new(Exhibit)
		if err := e.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("have %v, want ErrInvalid", err)
			}
			return
		}
		again, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Exhibit).UnmarshalBinary(again); err != nil {
			t.Error(err)
		}
	})
}
