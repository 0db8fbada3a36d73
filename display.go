package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"selfstream/evaluator"
	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// locked is a display that may be called from many goroutines.
type locked struct {
	mu  sync.Mutex
	d   display
	run string // at work
}

func (l *locked) metric(m schemas.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.Run != l.run {
		l.run = m.Run
		l.d.begin(m.Run)
	}
	l.d.metric(m)
}

func (l *locked) report(r schemas.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Run != l.run { // probes come after the next run has begun
		l.d.log(r.Run + ": " + reportLine(r))
		return
	}
	l.d.report(r)
}

func (l *locked) reject(r schemas.Reject) { l.mu.Lock(); defer l.mu.Unlock(); l.d.reject(r) }

// Write makes a locked display the place of the services' log lines, which
// would tear a live view apart.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		l.d.log(strings.TrimSuffix(line, "\n"))
	}
	return len(p), nil
}

// newDisplay is a live view on a terminal, and plain lines elsewhere. It begins
// with the run that is named.
func newDisplay(w io.Writer, run string) *locked {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &locked{d: newLive(f), run: run}
	}
	return &locked{d: &plain{w: w}, run: run}
}

// plain writes lines, a few a minute.
type plain struct {
	w       io.Writer
	told    time.Time
	warned  string
	rejects rejectLines
}

// plainEvery is the least time between two lines about steps.
const plainEvery = 5 * time.Second

func (p *plain) begin(run string) {
	fmt.Fprintf(p.w, "\nrun       %s\n\n", run)
	*p = plain{w: p.w}
}

func (p *plain) metric(m schemas.Metric) {
	if w := warnings(m); w != "" && w != p.warned {
		fmt.Fprintln(p.w, "warning:", w)
		p.warned = w
	}
	if m.State == ledger.Running && m.Step < m.Steps && time.Since(p.told) < plainEvery {
		return
	}
	if m.State == ledger.Failed {
		return // the error is told by whoever waits for the run
	}
	p.told = time.Now()
	fmt.Fprintf(p.w, "step %d/%d  epoch %.1f  loss %.3f  %.0f images/s  %s%s\n",
		m.Step, m.Steps, m.Epoch, m.Loss, m.ImagesPerSecond, bottleneck(m), left(m))
}

func (p *plain) report(r schemas.Report) { fmt.Fprintln(p.w, reportLine(r)) }
func (p *plain) reject(r schemas.Reject) {
	if line := p.rejects.line(r); line != "" {
		fmt.Fprintln(p.w, line)
	}
}
func (p *plain) log(line string) { fmt.Fprintln(p.w, line) }
func (p *plain) close()          {}

func reportLine(r schemas.Report) string {
	if r.Probe == evaluator.Skipped {
		return fmt.Sprintf("step %d: not probed: %s", r.Step, r.Note)
	}
	if r.Test > 0 {
		line := fmt.Sprintf("step %d: %s top-1 %.1f %% of %d images", r.Step, r.Probe, 100*r.Value, r.Test)
		if best, ok := r.BestStage(); ok {
			line += fmt.Sprintf("; of stage %s, the best, %.1f %%", best.Stage, 100*best.Value)
		}
		return line
	}
	return fmt.Sprintf("step %d: %s %.4g", r.Step, r.Probe, r.Value)
}

// rejectLines names the first broken images and counts the rest.
type rejectLines struct{ seen int }

const namedRejects = 5

func (c *rejectLines) line(r schemas.Reject) string {
	c.seen++
	switch {
	case c.seen <= namedRejects:
		return fmt.Sprintf("leaving out %s: %s", r.Key, r.Reason)
	case c.seen == namedRejects+1:
		return "leaving out more broken images; see all with: selfstream runs " + r.Run
	}
	return ""
}

// bottleneck says what the run waits for.
func bottleneck(m schemas.Metric) string {
	if m.WaitShare >= 0.2 {
		return fmt.Sprintf("trainer waits %.0f %% of its time for augmenters", 100*m.WaitShare)
	}
	return "trainer at work"
}

// left is the time to the last step at the present pace.
func left(m schemas.Metric) string {
	if m.State != ledger.Running || m.StepsPerSecond <= 0 || m.Step >= m.Steps {
		return ""
	}
	s := float64(m.Steps-m.Step) / m.StepsPerSecond
	return "  " + time.Duration(math.Ceil(s)*float64(time.Second)).String() + " left"
}

func warnings(m schemas.Metric) string {
	if m.Collapse == nil {
		return ""
	}
	return strings.Join(m.Collapse.Warnings, "; ")
}
