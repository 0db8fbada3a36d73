package evaluator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"selfstream/stages/bucket"
)

// selection says which images the probes of a run look at. It is made once
// and kept with the run, so that all snapshots are probed on the same images,
// whichever evaluator does it and whatever is added to the dataset meanwhile.
type selection struct {
	Dataset  string   `json:"dataset"`
	Classes  []string `json:"classes,omitempty"` // of the labels; none where only figures without labels are possible
	Train    []image  `json:"train"`
	Test     []image  `json:"test,omitempty"`
	TestFrom string   `json:"test_from,omitempty"` // how the test images were chosen, for people
	Unseen   []image  `json:"unseen,omitempty"`    // that the run does not train on; none if its recipe asks nothing
	Paired   []image  `json:"paired,omitempty"`    // that figures are shown two views of
	Twins    bool     `json:"twins,omitempty"`     // whether the run's own recipe has two views
	Note     string   `json:"note,omitempty"`      // why there are no labels, for people

	Trained map[string]int `json:"trained,omitempty"` // images of each class that the run trains on
}

type image struct {
	Key   string `json:"key"`
	Label int32  `json:"label"`        // −1 without
	In    *part  `json:"in,omitempty"` // a tar; nil: the image is an object
}

// part is what else bucket.File has of a member of a tar.
type part struct {
	Tar    int    `json:"tar"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	ETag   string `json:"etag"`
}

// imageOf is an image of a dataset without its label.
func imageOf(f bucket.File) image {
	img := image{Key: f.Key, Label: -1}
	if f.Tar > 0 {
		img.In = &part{f.Tar, f.Offset, f.Size, f.ETag}
	}
	return img
}

func labelledImageOf(f bucket.File) image {
	img := imageOf(f)
	img.Label = f.Label
	return img
}

const (
	ownTest  = "the dataset's own"
	fifth    = "a fifth of each class, by hash of the key"
	noLabels = "no labels: put the images into one folder per class for probes that need them"
	tooFew   = "too few labels: probes that need them want two classes of at least two images"
)

// choose selects at most that many images for training and for testing probes:
//
//	labels, and images held out     train/ and val/ or test/ as they are
//	labels                          a fifth of each class is held out
//	labels only among the held out  the same, of those
//	fewer than two classes          no test images, and a Note that says so
//
// Where there are more images than that, every class gives its share.
func choose(d *bucket.Dataset, train, test int) selection {
	s := selection{Dataset: d.Name, Classes: d.Classes, TestFrom: ownTest}
	s.Train, s.Test = labelled(d.Train), labelled(d.Test)
	if countClasses(s.Train) < 2 {
		s.Train, s.Test = s.Test, nil
	}
	if len(s.Test) == 0 {
		s.TestFrom = fifth
		s.Train, s.Test = holdOutFifth(s.Train, d.Name)
	}
	if !s.labelled() {
		s = selection{Dataset: d.Name, Note: tooFew}
		if len(d.Classes) == 0 {
			s.Note = noLabels
		}
		for _, f := range d.Train {
			s.Train = append(s.Train, imageOf(f))
		}
	}
	s.Train, s.Test = thin(s.Train, train), thin(s.Test, test)
	return s
}

// labelled tells whether probes that need labels can work.
func (s selection) labelled() bool { return countClasses(s.Train) >= 2 && len(s.Test) > 0 }

func labelled(files []bucket.File) []image {
	var images []image
	for _, f := range files {
		if f.Label >= 0 {
			images = append(images, labelledImageOf(f))
		}
	}
	return images
}

func countClasses(images []image) int {
	classes := map[int32]bool{}
	for _, img := range images {
		classes[img.Label] = true
	}
	return len(classes)
}

// holdOutFifth takes from each class the fifth whose keys have the least
// hashes, rounded, but at least one image unless it is the only one. The hash
// is of the key within the dataset: a copy of it is cut in the same places.
func holdOutFifth(images []image, dataset string) (rest, held []image) {
	byClass := map[int32][]image{}
	for _, img := range images {
		byClass[img.Label] = append(byClass[img.Label], img)
	}
	hash := func(img image) uint64 {
		sum := sha256.Sum256([]byte(strings.TrimPrefix(img.Key, dataset+"/")))
		return binary.BigEndian.Uint64(sum[:])
	}
	for _, class := range byClass {
		slices.SortFunc(class, func(a, b image) int { return cmp.Compare(hash(a), hash(b)) })
		n := int(math.Round(float64(len(class)) / 5))
		n = min(max(n, 1), len(class)-1)
		held, rest = append(held, class[:n]...), append(rest, class[n:]...)
	}
	return rest, held
}

// thin keeps at most limit images, at even distances in the order of label and
// key, so that every class gives its share.
func thin(images []image, limit int) []image {
	slices.SortFunc(images, func(a, b image) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key))
	})
	n := len(images)
	if n <= limit {
		return images
	}
	kept := make([]image, limit)
	for i := range kept {
		kept[i] = images[i*n/limit]
	}
	return kept
}
