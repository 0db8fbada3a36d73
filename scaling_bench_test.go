package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	scalingBatch = 128 // images
	scalingWarm  = 4   // batches before the clock starts: connections, caches, the first splits of all workers
	scalingTime  = 5 * time.Second
)

// The stages of an image's way, each a process of its own but the one that takes
// the batches, which is this.
const (
	stageAugmenters = "augmenters"
	stageNATS       = "NATS"
	stageS3         = "S3"
	stageTaking     = "taking batches"
)

var scalingStages = []string{stageAugmenters, stageNATS, stageS3, stageTaking}

// BenchmarkScaling has more and more augmenters make SimCLR's views of the photos
// in SELFSTREAM_PHOTOS, or of drawn ones, for one that takes the batches as fast as
// they come. NATS, the S3 and each augmenter are processes of their own. An
// augmenter has SELFSTREAM_SHARE of a core, 0.25 by default, so that a machine of
// few cores goes from idle to full in more than one step; where control groups
// cannot be made, which takes root on Linux, it has one worker.
//
// It reports images per second, beside the line through the first measurement
// (÷line) and what the cores allow at that cost (÷limit), the processor time of an
// image in each stage, and how many cores are busy. SELFSTREAM_FIGURE is a file
// for a picture of it.
func BenchmarkScaling(b *testing.B) {
	share := 0.25
	if s := os.Getenv("SELFSTREAM_SHARE"); s != "" {
		var err error
		if share, err = strconv.ParseFloat(s, 64); err != nil || !(share > 0) {
			b.Fatalf("SELFSTREAM_SHARE: have %q, want a number above 0", s)
		}
	}
	if _, err := newCage(b, fmt.Sprintf("selfstream-%d", os.Getpid()), share); err != nil {
		b.Logf("augmenters have a worker each, and no share of a core: %v", err)
		share = 0
	}
	var figure []panel
	for _, size := range []int{224, 32} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			s := newScaling(b, size, share)
			var loads []load
			for _, n := range crowds(share) {
				b.Run(fmt.Sprintf("augmenters=%d", n), func(b *testing.B) {
					var l load
					for b.Loop() {
						l = s.measure(b, n)
					}
					loads = append(loads, l)
					l.report(b, loads[0])
				})
			}
			if len(loads) > 1 {
				figure = append(figure, panels(size, share, loads)...)
			}
		})
	}
	if file := os.Getenv("SELFSTREAM_FIGURE"); file != "" && len(figure) > 0 {
		if err := os.WriteFile(file, drawScaling(figure), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

// crowds are the numbers of augmenters, up to some more than fill the cores.
func crowds(share float64) (all []int) {
	if share == 0 {
		share = 1
	}
	most := 1.25 * float64(runtime.NumCPU()) / share
	for n, step := 1, 1; float64(n) <= most; n += step {
		all = append(all, n)
		if n == 4*step {
			step *= 2
		}
	}
	return all
}

// load is what a number of augmenters came to.
type load struct {
	augmenters int
	rate       float64                  // images per second
	cost       map[string]time.Duration // processor time of an image, by stage
}

func (l load) sum() (all time.Duration) {
	for _, d := range l.cost {
		all += d
	}
	return all
}

// busy is how many cores a stage takes.
func (l load) busy(stage string) float64 { return l.rate * l.cost[stage].Seconds() }

// limit is what the cores allow, in images per second, at this cost.
func (l load) limit() float64 { return float64(runtime.NumCPU()) / l.sum().Seconds() }

// line is what so many augmenters would make if each made what the first load's
// do.
func (l load) line(first load) float64 {
	return first.rate * float64(l.augmenters) / float64(first.augmenters)
}

func (l load) report(b *testing.B, first load) {
	b.ReportMetric(0, "ns/op") // it is as long as it is
	b.ReportMetric(l.rate, "images/s")
	b.ReportMetric(l.rate/l.line(first), "÷line")
	b.ReportMetric(l.rate/l.limit(), "÷limit")
	b.ReportMetric(l.rate*l.sum().Seconds(), "cores")
	for _, stage := range scalingStages {
		b.ReportMetric(float64(l.cost[stage].Microseconds()), strings.ReplaceAll(stage, " ", "-")+"-µs/image")
	}
}
