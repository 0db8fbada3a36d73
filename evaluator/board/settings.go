package board

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Gain is the linear probe's gain over the untrained encoder, or "".
func (v *view) Gain() string {
	first, last := v.First(), v.Newest()
	if first == nil || last.Step == 0 {
		return ""
	}
	return points(last.LinearTop1, first.LinearTop1)
}

// Settings are all that decides the run, and what it published.
func (v *view) Settings() [][2]string {
	c := v.Config
	length := fmt.Sprintf("%d epochs", c.Epochs)
	if c.Steps > 0 {
		length = fmt.Sprintf("%d steps", c.Steps)
	}
	var own []string
	for _, key := range slices.Sorted(maps.Keys(c.Settings)) {
		own = append(own, key+"="+c.Settings[key])
	}
	rows := [][2]string{
		{"dataset", fmt.Sprintf("%s, %d images", v.Dataset, v.Images)},
		{"method", strings.TrimSpace(c.Method + " " + strings.Join(own, " "))},
		{"encoder", c.Encoder},
		{"image size", fmt.Sprintf("%d pixels", c.ImageSize)},
		{"length", length},
		{"batch", fmt.Sprintf("%d images", c.Batch)},
		{"seed", strconv.FormatUint(c.Seed, 10)},
		{"optimiser", c.Optimizer},
		{"learning rate", fmt.Sprintf("%g, rising for %g of the steps", c.LearningRate, c.Warmup)},
		{"weight decay", fmt.Sprintf("%g", c.WeightDecay)},
		{"precision", cmp.Or(c.Precision, "float32")},
		{"snapshots", fmt.Sprintf("every %d steps", c.SnapshotEvery)},
		{"broken images borne", fmt.Sprintf("%d, or a share of %g", c.MaxHoles, c.MaxHoleRate)},
		{"samples trained on", strconv.FormatInt(v.SamplesTrained, 10)},
		{"time at work", duration(time.Duration(v.Seconds * float64(time.Second)))},
		{"backend", v.Backend},
		{"augmenters", v.Fingerprint},
		{"batches_sha256", v.BatchesSHA256},
		{"weights_sha256", v.WeightsSHA256},
	}
	return slices.DeleteFunc(rows, func(row [2]string) bool { return row[1] == "" })
}
