package board

import (
	"fmt"
	"strings"

	"selfstream/evaluator/history"
	"selfstream/schemas"
)

// protocolText is how a number was made: its images and its constants.
func protocolText(p history.Protocol) string {
	var parts []string
	switch {
	case p.Train > 0 && p.Test > 0:
		parts = append(parts, fmt.Sprintf("fitted on %d images, scored on %d", p.Train, p.Test))
	case p.Train > 0:
		parts = append(parts, fmt.Sprintf("of %d images", p.Train))
	case p.Test > 0:
		parts = append(parts, fmt.Sprintf("scored on %d images", p.Test))
	}
	if text := p.ConstantsText(" · "); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

// protocol is that of the newest report of a probe, or "".
func (v *view) protocol(probe string) string {
	r := v.report(probe)
	if r == nil {
		return ""
	}
	return protocolText(history.Protocols([]schemas.Report{*r})[0])
}

// protocols are those of some probes, with their names.
func (v *view) protocols(probes ...string) string {
	var all []string
	for _, probe := range probes {
		if text := v.protocol(probe); text != "" {
			all = append(all, probe+": "+text)
		}
	}
	return strings.Join(all, "\n")
}

// Protocols are those of the accuracies.
func (v *view) Protocols() []history.Protocol {
	var reports []schemas.Report
	for _, probe := range []string{"linear", "knn"} {
		if r := v.report(probe); r != nil {
			reports = append(reports, *r)
		}
	}
	return history.Protocols(reports)
}
