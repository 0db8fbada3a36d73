package plan

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"selfstream/schemas"
)

func manifest(n int) *Manifest {
	m := &Manifest{Dataset: "d"}
	for i := range n {
		m.Images = append(m.Images, schemas.Image{ID: int64(i), Key: fmt.Sprintf("d/%05d.jpg", i), Label: -1})
	}
	return m
}

func recipe(size int) schemas.Recipe {
	v := schemas.View{Size: size, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}}
	return schemas.Recipe{Views: []schemas.View{v, v}}
}

// ids are the image ids of an epoch, split by split.
func ids(p *Plan, epoch int) []int64 {
	var out []int64
	for i := range p.Splits() {
		for _, img := range p.Split(Position{epoch, i}).Images {
			out = append(out, img.ID)
		}
	}
	return out
}

// TestEpochHoldsEveryImageOnce is the plan's half of exactly once.
func TestEpochHoldsEveryImageOnce(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 9, 100, 2400} {
		p := New("run", 1, recipe(32), manifest(n))
		for epoch := range 3 {
			got := ids(p, epoch)
			slices.Sort(got)
			for i, id := range got {
				if id != int64(i) {
					t.Fatalf("%d images, epoch %d: have id %d at place %d, want each id once", n, epoch, id, i)
				}
			}
			if len(got) != n {
				t.Fatalf("%d images, epoch %d: have %d, want all", n, epoch, len(got))
			}
		}
	}
}

func TestOrderIsThatOfSeedAndEpoch(t *testing.T) {
	m := manifest(500)
	a, b := New("run", 1, recipe(32), m), New("other", 1, recipe(32), m)
	first := ids(a, 0)
	if second := ids(a, 1); slices.Equal(first, second) {
		t.Error("epochs 0 and 1 have the same order")
	}
	if again := ids(b, 0); !slices.Equal(first, again) {
		t.Error("the order changes with something else than seed and epoch")
	}
	if other := ids(New("run", 2, recipe(32), m), 0); slices.Equal(first, other) {
		t.Error("seeds 1 and 2 have the same order")
	}
}

func TestSplitSizes(t *testing.T) {
	for _, tc := range []struct {
		images, size  int
		splits, first int
	}{
		{2400, 32, 15, 170}, // 1 MiB / (2·32·32·3)
		{2400, 224, 800, 3}, // 1 MiB / (2·224·224·3)
		{10, 1024, 10, 1},   // a sample above 1 MiB still goes alone
		{100, 32, 8, 13},    // shared by at least eight augmenters
		{1, 32, 1, 1},
	} {
		p := New("run", 1, recipe(tc.size), manifest(tc.images))
		if have := p.Splits(); have != tc.splits {
			t.Errorf("%d images of %d px: have %d splits, want %d", tc.images, tc.size, have, tc.splits)
		}
		if have := len(p.Split(Position{}).Images); have != tc.first {
			t.Errorf("%d images of %d px: have %d in a split, want %d", tc.images, tc.size, have, tc.first)
		}
	}
}

func TestNextVisitsEverySplit(t *testing.T) {
	p := New("run", 1, recipe(32), manifest(100))
	at := Position{}
	for epoch := range 3 {
		for i := range p.Splits() {
			if want := (Position{epoch, i}); at != want {
				t.Fatalf("have %v, want %v", at, want)
			}
			next := p.Next(at)
			if !at.Before(next) || next.Before(at) {
				t.Fatalf("%v and %v: want the first before the second", at, next)
			}
			at = next
		}
	}
}

// TestManifestDigest: it is that of the JSON, however many pieces that has.
func TestManifestDigest(t *testing.T) {
	empty := manifest(0)
	empty.Images = []schemas.Image{}
	classes := manifest(1)
	classes.Classes = []string{"a<b", "null}"}
	for _, m := range []*Manifest{manifest(0), empty, classes, manifest(1), manifest(1000), manifest(1001), manifest(2500)} {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if have, want := m.SHA256(), fmt.Sprintf("%x", sha256.Sum256(text)); have != want {
			t.Errorf("%d images: have %s, want %s", len(m.Images), have, want)
		}
	}
}

func TestManifestRefusesForeignIDs(t *testing.T) {
	m := manifest(3)
	if err := m.Validate(); err != nil {
		t.Errorf("have %v, want no error", err)
	}
	digest := m.SHA256()
	m.Images[2].ID = 7
	if err := m.Validate(); err == nil {
		t.Error("have no error, want one for an id that is not its place")
	}
	if m.SHA256() == digest {
		t.Error("the digest did not change with the content")
	}
}
