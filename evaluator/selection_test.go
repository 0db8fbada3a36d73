package evaluator

import (
	"fmt"
	"slices"
	"testing"

	"selfstream/stages/bucket"
)

func files(prefix string, n int, label int32) []bucket.File {
	var fs []bucket.File
	for i := range n {
		fs = append(fs, bucket.File{Key: fmt.Sprintf("%s/%03d.png", prefix, i), Label: label})
	}
	return fs
}

// perClass counts images by label.
func perClass(images []image) map[int32]int {
	n := map[int32]int{}
	for _, img := range images {
		n[img.Label]++
	}
	return n
}

func TestChoose(t *testing.T) {
	classes := []string{"a", "b"}
	ab := func(prefix string, a, b int) []bucket.File {
		return slices.Concat(files(prefix+"/a", a, 0), files(prefix+"/b", b, 1))
	}
	for _, tc := range []struct {
		name        string
		d           bucket.Dataset
		train, test string // images of each class
		from, note  string
	}{
		{
			"own test images",
			bucket.Dataset{Classes: classes, Train: ab("d/train", 10, 20), Test: ab("d/val", 3, 4)},
			"map[0:10 1:20]", "map[0:3 1:4]", ownTest, "",
		},
		{
			"a fifth",
			bucket.Dataset{Classes: classes, Train: ab("d", 10, 22)},
			"map[0:8 1:18]", "map[0:2 1:4]", fifth, "",
		},
		{
			"unlabelled images are not for probes",
			bucket.Dataset{Classes: classes, Train: append(ab("d", 10, 10), files("d", 50, -1)...)},
			"map[0:8 1:8]", "map[0:2 1:2]", fifth, "",
		},
		{
			"unlabelled test images",
			bucket.Dataset{Classes: classes, Train: ab("d/train", 10, 10), Test: files("d/test", 5, -1)},
			"map[0:8 1:8]", "map[0:2 1:2]", fifth, "",
		},
		{
			"labels among the test images only",
			bucket.Dataset{Classes: classes, Train: files("d/train", 50, -1), Test: ab("d/test", 10, 10)},
			"map[0:8 1:8]", "map[0:2 1:2]", fifth, "",
		},
		{
			"no labels",
			bucket.Dataset{Train: files("d", 50, -1)},
			"map[-1:50]", "map[]", "", noLabels,
		},
		{
			"one class",
			bucket.Dataset{Classes: classes, Train: append(files("d/a", 10, 0), files("d", 5, -1)...)},
			"map[-1:15]", "map[]", "", tooFew,
		},
		{
			"single images",
			bucket.Dataset{Classes: classes, Train: ab("d", 1, 1)},
			"map[-1:2]", "map[]", "", tooFew,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.d.Name = "d"
			s := choose(&tc.d, 1000, 1000)
			if have := fmt.Sprint(perClass(s.Train)); have != tc.train {
				t.Errorf("train: have %s, want %s", have, tc.train)
			}
			if have := fmt.Sprint(perClass(s.Test)); have != tc.test {
				t.Errorf("test: have %s, want %s", have, tc.test)
			}
			if s.TestFrom != tc.from || s.Note != tc.note {
				t.Errorf("have test images from %q and note %q, want %q and %q", s.TestFrom, s.Note, tc.from, tc.note)
			}
			if s.labelled() != (tc.note == "") {
				t.Errorf("labelled: have %v", s.labelled())
			}
		})
	}
}

// TestHoldOutFifth: every image is on one side, the same one also in a copy of
// the dataset and when other images join it.
func TestHoldOutFifth(t *testing.T) {
	all := func(dataset string, n int) []image {
		return labelled(slices.Concat(files(dataset+"/a", n, 0), files(dataset+"/b", n, 1)))
	}
	rest, held := holdOutFifth(all("d", 40), "d")
	both := slices.Concat(rest, held)
	slices.SortFunc(both, func(a, b image) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	if !slices.Equal(both, all("d", 40)) {
		t.Fatalf("have %v, want each image once", both)
	}
	if have := fmt.Sprint(perClass(held)); have != "map[0:8 1:8]" {
		t.Errorf("held out: have %s, want map[0:8 1:8]", have)
	}
	_, copied := holdOutFifth(all("other/copy", 40), "other/copy")
	for i := range copied {
		copied[i].Key = "d" + copied[i].Key[len("other/copy"):]
	}
	sortImages := func(s []image) {
		slices.SortFunc(s, func(a, b image) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	}
	sortImages(copied)
	sortImages(held)
	if !slices.Equal(copied, held) {
		t.Errorf("held out of a copy: have %v, want %v", copied, held)
	}
}

func TestThin(t *testing.T) {
	images := labelled(slices.Concat(files("d/b", 600, 1), files("d/a", 300, 0), files("d/c", 100, 2)))
	kept := thin(slices.Clone(images), 100)
	if have := fmt.Sprint(perClass(kept)); have != "map[0:30 1:60 2:10]" {
		t.Errorf("have %s, want map[0:30 1:60 2:10]", have)
	}
	if again := thin(slices.Clone(images), 100); !slices.Equal(again, kept) {
		t.Error("the same images are thinned differently")
	}
	if all := thin(slices.Clone(images), 1000); len(all) != 1000 {
		t.Errorf("have %d, want all 1000", len(all))
	}
}

func TestLimits(t *testing.T) {
	e := &evaluator{Config: Config{TrainImages: 200, TestImages: 100, ImageBytes: 3 * 32 * 32 * 300}}
	for _, tc := range []struct{ size, train, test int }{
		{32, 200, 100},
		{16, 200, 100},
		{64, 50, 25},
	} {
		if train, test := e.limits(tc.size); train != tc.train || test != tc.test {
			t.Errorf("size %d: have %d and %d, want %d and %d", tc.size, train, test, tc.train, tc.test)
		}
	}
}
