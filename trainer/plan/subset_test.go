package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// balanced is a dataset of so many classes of so many images each, and one image
// without a label.
func balanced(classes, each int) *bucket.Dataset {
	d := &bucket.Dataset{Name: "d"}
	for c := range classes {
		d.Classes = append(d.Classes, fmt.Sprint(c))
		for i := range each {
			d.Train = append(d.Train, bucket.File{Key: fmt.Sprintf("d/train/%d/%05d.jpg", c, i), Label: int32(c)})
		}
	}
	d.Train = append(d.Train, bucket.File{Key: "d/train/stray.jpg", Label: -1})
	return d
}

func listed(t *testing.T, d *bucket.Dataset, c schemas.Config) *Manifest {
	t.Helper()
	m, err := NewManifest(d, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(m.Images, func(a, b schemas.Image) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("the images are not sorted by key")
	}
	return m
}

// TestTail holds the numbers against those of published subsets: CIFAR-10-LT
// has 12,406 images at a ratio of 100 and 20,431 at 10.
func TestTail(t *testing.T) {
	all := func(classes, each int) []int { return slices.Repeat([]int{each}, classes) }
	for _, tc := range []struct {
		name  string
		sizes []int
		ratio float64
		total int
		want  []int
	}{
		{"CIFAR-10-LT, 100", all(10, 5000), 100, 0, []int{5000, 2997, 1797, 1077, 646, 387, 232, 139, 83, 50}},
		{"CIFAR-10-LT, 10", all(10, 5000), 10, 0, []int{5000, 3871, 2997, 2321, 1797, 1391, 1077, 834, 646, 500}},
		{"20", all(10, 240), 20, 0, []int{240, 172, 123, 88, 63, 45, 33, 23, 17, 12}},
		{"none", all(3, 7), 1, 0, []int{7, 7, 7}},
		{"two classes", all(2, 90), 9, 0, []int{90, 10}},
		{"steeper than there are images", all(2, 3), 100, 0, []int{3, 1}},
		{"a small class in the middle", []int{100, 5, 100}, 100, 0, []int{50, 5, 1}}, // n_max 50, and 0.5 for the last
		{"a total", all(3, 100), 4, 70, []int{40, 20, 10}},
		{"a total that does not come out even", all(3, 100), 4, 72, []int{41, 21, 10}}, // 41.14, 20.57, 10.29
		{"a total of equal classes", all(3, 100), 1, 100, []int{34, 33, 33}},
		{"all that there is", all(3, 100), 4, 175, []int{100, 50, 25}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, err := tail(tc.sizes, tc.ratio, tc.total)
			if err != nil || !slices.Equal(have, tc.want) {
				t.Errorf("have %v, %v, want %v", have, err, tc.want)
			}
		})
	}
}

// TestTailTotals: whatever the total, it is met, no class is larger than there
// are images, and none is larger than the one before.
func TestTailTotals(t *testing.T) {
	for _, ratio := range []float64{1, 3, 10, 100} {
		for total := 60; total <= 200; total += 7 {
			sizes := slices.Repeat([]int{80}, 10)
			have, err := tail(sizes, ratio, total)
			if err != nil {
				if ratio < 100 || !strings.Contains(err.Error(), "choose") {
					t.Errorf("ratio %g, total %d: have %v", ratio, total, err)
				}
				continue
			}
			sum := 0
			for c, n := range have {
				sum += n
				if n > sizes[c] || n < 1 || c > 0 && n > have[c-1] {
					t.Errorf("ratio %g, total %d: have %v", ratio, total, have)
				}
			}
			if sum != total {
				t.Errorf("ratio %g: have %d images, want %d", ratio, sum, total)
			}
		}
	}
}

// TestLongTail: the seed decides which class is the head and which images it
// has; a steeper tail has fewer of the same images.
func TestLongTail(t *testing.T) {
	d := balanced(5, 40)
	tail10 := listed(t, d, schemas.Config{LongTail: 10, Seed: 1})
	counts := slices.Sorted(slices.Values(tail10.PerClass()))
	if want := []int{4, 7, 13, 22, 40}; !slices.Equal(counts, want) {
		t.Errorf("have classes of %v, want %v", counts, want)
	}
	if again := listed(t, balanced(5, 40), schemas.Config{LongTail: 10, Seed: 1}); again.SHA256() != tail10.SHA256() {
		t.Error("the same seed chose other images")
	}
	heads := map[int]bool{}
	for seed := range uint64(20) {
		counts := listed(t, d, schemas.Config{LongTail: 10, Seed: seed}).PerClass()
		heads[slices.Index(counts, 40)] = true
	}
	if len(heads) != 5 {
		t.Errorf("of 20 seeds the first class was one of %v, want each of 5", heads)
	}
	all := map[string]bool{}
	for _, img := range tail10.Images {
		all[img.Key] = true
	}
	for _, img := range listed(t, d, schemas.Config{LongTail: 40, Seed: 1}).Images {
		if !all[img.Key] {
			t.Errorf("%s is in the steeper tail alone", img.Key)
		}
	}
}

// TestLongestTail: what it says is to be had, for every seed, and no more.
func TestLongestTail(t *testing.T) {
	d := balanced(5, 40)
	for _, ratio := range []float64{1, 3, 10, 100} {
		n, err := LongestTail(d, ratio)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(5) {
			listed(t, d, schemas.Config{LongTail: ratio, Images: n, Seed: seed})
		}
		if _, err := NewManifest(d, schemas.Config{LongTail: ratio, Images: n + 1}); err == nil {
			t.Errorf("ratio %g: have no error for one more than %d", ratio, n)
		}
	}
	if _, err := LongestTail(balanced(1, 9), 10); err == nil {
		t.Error("have no error for a single class")
	}
}

func TestSubsets(t *testing.T) {
	d := balanced(5, 40)
	whole := listed(t, d, schemas.Config{Seed: 1})
	if len(whole.Images) != 201 || whole.Images[200].Label != -1 {
		t.Errorf("have %d images, want all, with the one without a label", len(whole.Images))
	}
	few, other := listed(t, d, schemas.Config{Images: 30, Seed: 1}), listed(t, d, schemas.Config{Images: 30, Seed: 2})
	if len(few.Images) != 30 || few.SHA256() == other.SHA256() {
		t.Errorf("have %d images, want 30, and others for another seed", len(few.Images))
	}
	even := listed(t, d, schemas.Config{LongTail: 1, Images: 100, Seed: 3}).PerClass()
	if want := []int{20, 20, 20, 20, 20}; !slices.Equal(even, want) {
		t.Errorf("have classes of %v, want %v", even, want)
	}
	for _, tc := range []struct {
		d    *bucket.Dataset
		c    schemas.Config
		want string
	}{
		{d, schemas.Config{Images: 202}, `choosing images of dataset "d": it has 201 to train on, and 202 are asked for: choose --images of at most 201`},
		{d, schemas.Config{LongTail: 10, Images: 100}, "choose --images of at most 85"},
		{d, schemas.Config{LongTail: 1000, Images: 20}, "leave none for the last class"},
		{balanced(1, 9), schemas.Config{LongTail: 10}, "it has images to train on of 1: put them into one folder per class"},
		{balanced(0, 0), schemas.Config{LongTail: 10}, "put them into one folder per class"},
	} {
		_, err := NewManifest(tc.d, tc.c)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: have %v, want %q", tc.c, err, tc.want)
		}
	}
}
