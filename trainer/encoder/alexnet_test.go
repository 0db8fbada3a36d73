package encoder

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// alexnetShapes are the papers' widths, 96, 256, 384, 384 and 256 channels,
// under torchvision's names. first is the side of the first kernels.
func alexnetShapes(first int) map[string][]int {
	shapes := map[string][]int{
		"features.0.weight":  {96, 3, first, first},
		"features.3.weight":  {256, 96, 5, 5},
		"features.6.weight":  {384, 256, 3, 3},
		"features.8.weight":  {384, 384, 3, 3},
		"features.10.weight": {256, 384, 3, 3},
	}
	for norm, channels := range map[string]int{"norm1": 96, "norm2": 256, "norm3": 384, "norm4": 384, "norm5": 256} {
		shapes[norm+".running_mean"], shapes[norm+".running_var"] = []int{channels}, []int{channels}
	}
	return shapes
}

// alexnets are the sides of the first kernels.
var alexnets = map[string]int{"alexnet": 11, "alexnet-cfn": 11, "alexnet-small": 5}

func TestAlexNetShapes(t *testing.T) {
	for name, first := range alexnets {
		want := alexnetShapes(first)
		store := newStore(t, want)
		build(t, name, store, 64)
		have := map[string][]int{}
		for v := range store.IterVariables() {
			have[strings.TrimPrefix(v.Path(), "/")] = v.Shape().Dimensions
		}
		if !maps.EqualFunc(have, want, slices.Equal) {
			t.Errorf("%s: have variables %v, want %v", name, have, want)
		}
	}
}

// TestAlexNetSides: behind pool5 the maps of the papers' patches have the sides
// that they have in the authors' programs, and those of small patches keep some
// places.
func TestAlexNetSides(t *testing.T) {
	for _, tc := range []struct {
		name       string
		size, want int
	}{
		{"alexnet", 96, 3}, // 24, 12, 6, 3
		{"alexnet", 224, 7},
		{"alexnet-cfn", 64, 3}, // 27, 13, 6, 3
		{"alexnet-small", 32, 4},
		{"alexnet-small", 21, 2},
		{"alexnet-small", 16, 2},
		{"alexnet-small", 8, 1},
		{"alexnet", 8, 1},
	} {
		out := build(t, tc.name, newStore(t, alexnetShapes(alexnets[tc.name])), tc.size)
		if have, want := out.Map.Shape().Dimensions, []int{2, tc.want, tc.want, 256}; !slices.Equal(have, want) {
			t.Errorf("%s at %d pixels: have a map %v, want %v", tc.name, tc.size, have, want)
		}
	}
}
