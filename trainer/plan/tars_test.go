package plan

import (
	"fmt"
	"slices"
	"testing"

	"selfstream/schemas"
)

// packed is a manifest of images of that many bytes in tars, and of some objects.
func packed(tars, each, size, objects int) *Manifest {
	m := &Manifest{Dataset: "d"}
	add := func(img schemas.Image) {
		img.ID, img.Size, img.Label = int64(len(m.Images)), int64(size), -1
		m.Images = append(m.Images, img)
	}
	for t := range tars {
		tar := fmt.Sprintf("d/%03d.tar", t)
		for i := range each {
			// In the manifest they lie by key, in the tar the other way round.
			add(schemas.Image{Key: fmt.Sprintf("%s/%05d.jpg", tar, i), Tar: len(tar), Offset: int64((each-i)*(size+1024) + 512)})
		}
	}
	for i := range objects {
		add(schemas.Image{Key: fmt.Sprintf("d/x%05d.jpg", i)})
	}
	return m
}

func TestEpochOfTarsHoldsEveryImageOnce(t *testing.T) {
	for _, tc := range []struct{ tars, each, size, objects int }{
		{1, 1, 1000, 0}, {1, 100, 1000, 0}, {7, 33, 1000, 5}, {3, 5, 1 << 20, 100}, {10, 240, 0, 0},
	} {
		m := packed(tc.tars, tc.each, tc.size, tc.objects)
		p := New("run", 1, recipe(32), m)
		var last []int64
		for epoch := range 3 {
			have := ids(p, epoch)
			if again := ids(New("other", 1, recipe(32), m), epoch); !slices.Equal(have, again) {
				t.Errorf("%+v: the order of epoch %d changes with something else than seed and epoch", tc, epoch)
			}
			if len(have) > 50 && slices.Equal(have, last) {
				t.Errorf("%+v: epochs %d and %d have the same order", tc, epoch-1, epoch)
			}
			last = slices.Clone(have)
			slices.Sort(have)
			for i, id := range have {
				if id != int64(i) {
					t.Fatalf("%+v, epoch %d: have id %d at place %d, want each id once", tc, epoch, id, i)
				}
			}
			if len(have) != len(m.Images) {
				t.Fatalf("%+v, epoch %d: have %d images, want %d", tc, epoch, len(have), len(m.Images))
			}
		}
	}
}

// runs counts the stretches of neighbours that the images of a split are.
func runs(s schemas.Split) (n int) {
	images := slices.Clone(s.Images)
	slices.SortFunc(images, func(a, b schemas.Image) int { return int(a.ID - b.ID) })
	for i, img := range images {
		if i == 0 || images[i-1].ID != img.ID-1 || images[i-1].Key[:img.Tar] != img.Key[:img.Tar] {
			n++
		}
	}
	return n
}

// A split of small images is a few runs of neighbours, shuffled; one of large
// images is as random as without tars.
func TestSplitsOfTarsAreRuns(t *testing.T) {
	for _, tc := range []struct {
		size, view int
		least      int // images in a run, on average
		most       int
	}{
		{3000, 32, 12, 16},
		{50_000, 32, 3, 6},
		{1 << 20, 32, 1, 2},
		{3000, 224, 1, 3}, // a split has 3 images
	} {
		p := New("run", 1, recipe(tc.view), packed(20, 500, tc.size, 0))
		images, n, inOrder := 0, 0, 0
		for i := range p.Splits() {
			s := p.Split(Position{1, i})
			images += len(s.Images)
			n += runs(s)
			if slices.IsSortedFunc(s.Images, func(a, b schemas.Image) int { return int(a.ID - b.ID) }) {
				inOrder++
			}
		}
		if have := images / n; have < tc.least || have > tc.most {
			t.Errorf("images of %d bytes at %d px: have %d in a run, want %d to %d", tc.size, tc.view, have, tc.least, tc.most)
		}
		if tc.view == 32 && inOrder > 1 {
			t.Errorf("images of %d bytes: have %d splits in the order of the tar", tc.size, inOrder)
		}
	}
}

// The order is part of the promise: a change of one place changes all digests.
func TestGoldenOrderOfTars(t *testing.T) {
	p := New("run", 7, recipe(32), packed(2, 12, 60_000, 2))
	want := []int64{12, 14, 13, 25, 9, 10, 8, 11, 18, 17, 16, 15, 19, 21, 20, 22, 1, 3, 0, 2, 24, 7, 5, 6, 4, 23}
	if have := ids(p, 3); !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}
