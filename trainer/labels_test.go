package trainer

import (
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/trainer/plan"
)

// TestCheckLabels: what cannot be learnt from is refused before anything is
// trained, and only by methods that learn from it.
func TestCheckLabels(t *testing.T) {
	cat, dog, stray := bucket.File{Key: "d/train/cat/1.jpg"}, bucket.File{Key: "d/train/dog/1.jpg", Label: 1}, bucket.File{Key: "d/train/1.jpg", Label: -1}
	test := []bucket.File{{Key: "d/val/cat/2.jpg"}}
	both := []string{"cat", "dog"}
	for _, tc := range []struct {
		name string
		d    bucket.Dataset
		want string // of the error; "": none
	}{
		{"labels", bucket.Dataset{Classes: both, Train: []bucket.File{cat, dog}, Test: test}, ""},
		{"no classes", bucket.Dataset{Train: []bucket.File{stray}}, "learns from labels, and it has none: put the images into one folder per class; or choose a method that needs none"},
		{"a stray image", bucket.Dataset{Classes: both, Train: []bucket.File{stray, cat, dog}, Test: test}, "d/train/1.jpg has none"},
		{"one class", bucket.Dataset{Classes: both, Train: []bucket.File{cat, cat}, Test: test}, "all its images to train on are of one class"},
		{"nothing held out", bucket.Dataset{Classes: both, Train: []bucket.File{cat, dog}}, "none of its images is held out"},
	} {
		for _, method := range []string{"supervised", "supcon", "kcl", "simclr"} {
			c := schemas.Config{Method: method}
			m, err := plan.NewManifest(&tc.d, c)
			if err != nil {
				t.Fatal(err)
			}
			want := tc.want
			if method == "simclr" {
				want = ""
			}
			err = checkLabels(c, &tc.d, m)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s, %s: have %v, want %q", tc.name, method, err, want)
			}
		}
	}
}
