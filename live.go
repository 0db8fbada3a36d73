package main

import (
	"fmt"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"selfstream/evaluator"
	"selfstream/schemas"
)

// live is a view of a few lines that stay in place on a terminal: a progress
// bar, what each stage waits for, and the probes. Lines of other kinds go
// above it.
type live struct {
	p       *mpb.Progress
	bars    []*mpb.Bar // the first is the progress bar, the others are lines of text
	rejects rejectLines

	// What the lines show. The progress container reads it from a goroutine of
	// its own, and must not be called while mu is held.
	mu     sync.Mutex
	last   schemas.Metric
	step   int                // of probes
	probes map[string]float64 // of the newest snapshot, by name
	first  map[string]float64 // of the untrained encoder
}

func newLive(w *os.File) *live {
	l := &live{probes: map[string]float64{}, first: map[string]float64{}}
	l.p = mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	l.bars = []*mpb.Bar{
		l.p.New(0, mpb.BarStyle(), mpb.PrependDecorators(l.text(l.epoch)), mpb.AppendDecorators(l.text(l.pace))),
		l.p.New(0, mpb.NopStyle(), mpb.PrependDecorators(l.text(l.stages))),
		l.p.New(0, mpb.NopStyle(), mpb.PrependDecorators(l.text(l.scores))),
	}
	return l
}

// text is a decorator that shows what f says at each refresh.
func (l *live) text(f func() string) decor.Decorator {
	return decor.Any(func(decor.Statistics) string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return f()
	})
}

func (l *live) epoch() string { return fmt.Sprintf("epoch %.1f ", l.last.Epoch) }

func (l *live) pace() string {
	m := l.last
	return fmt.Sprintf(" step %d/%d  loss %.3f  %.0f images/s%s", m.Step, m.Steps, m.Loss, m.ImagesPerSecond, left(m))
}

func (l *live) stages() string {
	m := l.last
	return fmt.Sprintf("%s; %d splits under way, %.1f MiB of samples ready, %d images left out",
		bottleneck(m), m.SplitsOut, float64(m.BufferedBytes)/(1<<20), m.Holes)
}

func (l *live) scores() string {
	if len(l.probes) == 0 {
		return "no snapshot probed yet"
	}
	s := fmt.Sprintf("step %d:", l.step)
	for _, name := range sortedKeys(l.probes) {
		s += fmt.Sprintf("  %s %.3f", name, l.probes[name])
		if first, ok := l.first[name]; ok && l.step > 0 {
			s += fmt.Sprintf(" (untrained %.3f)", first)
		}
	}
	return s
}

func (l *live) begin(run string) {
	l.log("run " + run)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rejects, l.last, l.step = rejectLines{}, schemas.Metric{}, 0
	clear(l.probes)
	clear(l.first)
}

func (l *live) metric(m schemas.Metric) {
	l.mu.Lock()
	before := warnings(l.last)
	if m.Collapse == nil {
		m.Collapse = l.last.Collapse // the last word on it still stands
	}
	l.last = m
	l.mu.Unlock()
	if w := warnings(m); w != "" && w != before {
		l.log("warning: " + w)
	}
	l.bars[0].SetTotal(int64(m.Steps), false)
	l.bars[0].SetCurrent(int64(m.Step))
}

func (l *live) report(r schemas.Report) {
	l.log(reportLine(r))
	if r.Probe == evaluator.Skipped {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Step == 0 {
		l.first[r.Probe] = r.Value
	}
	if r.Step >= l.step {
		l.step = r.Step
		l.probes[r.Probe] = r.Value
	}
}

func (l *live) reject(r schemas.Reject) {
	if line := l.rejects.line(r); line != "" {
		l.log(line)
	}
}

func (l *live) log(line string) { fmt.Fprintln(l.p, line) }

func (l *live) close() {
	for _, b := range l.bars {
		b.Abort(false)
	}
	l.p.Wait()
}
