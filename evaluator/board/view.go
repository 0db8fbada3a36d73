package board

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"time"

	"selfstream/evaluator"
	"selfstream/evaluator/exhibit"
	"selfstream/evaluator/history"
	"selfstream/schemas"
)

// view is a run as the templates ask for it.
type view struct {
	*history.Run
	gathered
	time     time.Time                           // of the look
	sheetURL func(*exhibit.Exhibit) template.URL // of the pictures of an exhibit
}

func newView(r *history.Run, g gathered) *view {
	return &view{r, g, time.Now(), func(x *exhibit.Exhibit) template.URL {
		return template.URL(fmt.Sprintf("/runs/%s/exhibits/%d/images.jpg", x.Run, x.Step))
	}}
}

// words are what templates say things with.
var words = template.FuncMap{
	"percent":  percent,
	"points":   points,
	"bytes":    bytesText,
	"short":    func(digest string) string { return digest[:min(12, len(digest))] },
	"seconds":  func(s float64) string { return duration(time.Duration(s * float64(time.Second))) },
	"sorted":   func(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) },
	"share":    func(x float64) float64 { return 100 * x },
	"protocol": protocolText,
	"round":    func(digits int, x float64) string { return fmt.Sprintf("%.*f", digits, x) },
}

func percent(x *float64) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100**x)
}

// points is how far x is above y, in percentage points.
func points(x, y *float64) string {
	if x == nil || y == nil {
		return ""
	}
	return fmt.Sprintf("%+.1f points", 100*(*x-*y))
}

func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// duration is a time as people say it: its two largest units.
func duration(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(math.Ceil(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Share is how much of the run is done, 0 to 1.
func (v *view) Share() float64 {
	return float64(v.Steps) / float64(max(v.StepsPlanned, 1))
}

// Left is the time to the last step at the present pace, or "".
func (v *view) Left() string {
	m := v.Last()
	if !v.Live() || m.StepsPerSecond <= 0 || m.Step >= m.Steps || v.Silent() != "" {
		return ""
	}
	return duration(time.Duration(float64(m.Steps-m.Step) / m.StepsPerSecond * float64(time.Second)))
}

// silence is how long a running trainer may keep to itself before people are
// told: it is probably gone, or at a very large snapshot.
const silence = 30 * time.Second

// Silent says for how long nothing has been heard of a run that should go on,
// or "".
func (v *view) Silent() string {
	if quiet := v.time.Sub(v.Updated); v.Live() && quiet > silence {
		return duration(quiet.Round(5 * time.Second))
	}
	return ""
}

// First are the probes of the untrained encoder, or nil.
func (v *view) First() *history.Probed {
	if len(v.Probes) == 0 || v.Probes[0].Step != 0 {
		return nil
	}
	return &v.Probes[0]
}

// Newest are the probes of the last snapshot that could be probed, or nil. The
// best snapshot is not asked for: the test images would choose it.
func (v *view) Newest() *history.Probed {
	for i := len(v.Probes) - 1; i >= 0; i-- {
		if p := &v.Probes[i]; p.LinearTop1 != nil || len(p.Others) > 0 {
			return p
		}
	}
	return nil
}

// Skipped says which snapshot since then could not be probed, and why, or "".
func (v *view) Skipped() string {
	newest := v.Newest()
	for i := len(v.Reports) - 1; i >= 0; i-- {
		r := v.Reports[i]
		if r.Probe == evaluator.Skipped && (newest == nil || r.Step > newest.Step) {
			return fmt.Sprintf("The snapshot of step %d could not be probed: %s", r.Step, r.Note)
		}
	}
	return ""
}

// Crew are the augmenters, where there is something for them to do; nil
// elsewhere, and in reports.
func (v *view) Crew() *team {
	if v.team.Hands == nil || v.Run != nil && !v.Live() {
		return nil
	}
	return &v.team
}

// report is what a probe says of the newest snapshot, or nil.
func (v *view) report(probe string) *schemas.Report {
	newest := v.Newest()
	for i, r := range v.Reports {
		if newest != nil && r.Step == newest.Step && r.Probe == probe {
			return &v.Reports[i]
		}
	}
	return nil
}
