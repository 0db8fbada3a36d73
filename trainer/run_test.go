package trainer

import (
	"math"
	"strings"
	"testing"

	"selfstream/schemas"
	"selfstream/trainer/plan"
	"selfstream/trainer/snapshot"
)

func config(change func(*schemas.Config)) schemas.Config {
	c := schemas.Config{Method: "simclr", Encoder: "tiny", ImageSize: 32, Epochs: 10, Optimizer: "adamw", LearningRate: 1e-3}
	change(&c)
	return c
}

// TestMatch: a run goes on with what it began with, or not at all.
func TestMatch(t *testing.T) {
	recipe := func(tile uint8) schemas.Recipe {
		order := schemas.Permutation{tile, 1, 2, 3, 4, 5, 6, 7, 8 - tile}
		return schemas.Recipe{Jigsaw: &schemas.Jigsaw{Size: 16, Cell: 21, Permutations: []schemas.Permutation{order}}}
	}
	m := &plan.Manifest{Dataset: "d", Images: []schemas.Image{{Key: "d/a.jpg"}}}
	r := &run{trainer: &trainer{Config: Config{Fingerprint: "this"}}, listed: m.SHA256(), recipe: recipe(0)}
	for _, tc := range []struct {
		name   string
		change func(*snapshot.Card)
		want   string // of the error
	}{
		{"the same", func(*snapshot.Card) {}, ""},
		{"another build", func(c *snapshot.Card) { c.Fingerprint = "that" }, `was made by "that", and this is "this"`},
		{"another manifest", func(c *snapshot.Card) { c.ManifestSHA256 = "beef" }, "has been changed"},
		{"another permutation", func(c *snapshot.Card) { c.Recipe = recipe(8) }, "views that this build does not make"},
	} {
		card := snapshot.Card{Fingerprint: "this", ManifestSHA256: m.SHA256(), Recipe: recipe(0)}
		tc.change(&card)
		err := r.match(card)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: have %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestFill: what a request leaves open depends on the dataset, and on nothing
// else.
func TestFill(t *testing.T) {
	for _, tc := range []struct {
		name         string
		images       int
		change       func(*schemas.Config)
		batch, every int
		want         string // of the error
	}{
		{"many images", 2400, func(*schemas.Config) {}, 128, 38, ""},
		{"few images", 100, func(*schemas.Config) {}, 32, 7, ""},
		{"two images", 2, func(*schemas.Config) {}, 2, 2, ""},
		{"one image", 1, func(*schemas.Config) {}, 0, 0, "fewer than two"},
		{"all in one batch", 64, func(c *schemas.Config) { c.Batch = 64 }, 64, 2, ""},
		{"a batch above the dataset", 63, func(c *schemas.Config) { c.Batch = 64 }, 0, 0, "choose a --batch of at most 63"},
		{"a long run", 2400, func(c *schemas.Config) { c.Epochs, c.Steps = 0, 1_000_000 }, 128, 1000, ""},
		{"a short run", 2400, func(c *schemas.Config) { c.Epochs, c.Steps = 0, 3 }, 128, 1, ""},
		{"chosen", 2400, func(c *schemas.Config) { c.Batch, c.SnapshotEvery = 8, 77 }, 8, 77, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config(tc.change)
			err := fill(&c, tc.images)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("have %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil || c.Batch != tc.batch || c.SnapshotEvery != tc.every {
				t.Errorf("have batch %d, snapshots every %d, %v; want %d and %d", c.Batch, c.SnapshotEvery, err, tc.batch, tc.every)
			}
		})
	}
}

func TestTotalSteps(t *testing.T) {
	for _, tc := range []struct {
		images, want int
		change       func(*schemas.Config)
	}{
		{2400, 187, func(c *schemas.Config) { c.Batch = 128 }},                      // 24,000 / 128, the last and short one dropped
		{100, 15, func(c *schemas.Config) { c.Batch = 64 }},                         // what an epoch leaves goes into the next
		{100, 7, func(c *schemas.Config) { c.Batch, c.Epochs, c.Steps = 64, 0, 7 }}, // whatever the dataset
	} {
		if have := totalSteps(config(tc.change), tc.images); have != tc.want {
			t.Errorf("%d images: have %d steps, want %d", tc.images, have, tc.want)
		}
	}
}

// TestSchedule: the learning rate is as it is given, or in proportion to the
// batch.
func TestSchedule(t *testing.T) {
	for _, tc := range []struct {
		batch, base int
		want        float64
	}{
		{128, 0, 0.3}, {128, 256, 0.15}, {4096, 256, 4.8}, {256, 256, 0.3},
	} {
		c := config(func(c *schemas.Config) { c.Batch, c.BaseBatch, c.LearningRate, c.Warmup = tc.batch, tc.base, 0.3, 0.1 })
		s := schedule(c, 100)
		if math.Abs(s.Peak-tc.want) > 1e-12 || math.Abs(s.Final-tc.want/1000) > 1e-12 || s.Warmup != 10 || s.Steps != 100 {
			t.Errorf("batch %d, base batch %d: have %+v, want a peak of %g after 10 of 100 steps", tc.batch, tc.base, s, tc.want)
		}
	}
}
