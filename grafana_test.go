package main

import (
	_ "embed" // of grafanaDashboard: the embedded S3 changes the working directory
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

//go:embed deploy/grafana/selfstream.json
var grafanaDashboard []byte

// TestGrafana: every panel asks for metrics that docs/metrics.md names, which
// TestMetrics holds against what there is.
func TestGrafana(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(grafanaDashboard, &dashboard); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`selfstream_\w+`)
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s: have no query", p.Title)
		}
		for _, target := range p.Targets {
			found := names.FindAllString(target.Expr, -1)
			if len(found) == 0 {
				t.Errorf("%s: have %q, want a metric of selfstream", p.Title, target.Expr)
			}
			for _, name := range found {
				if !strings.Contains(metricsDoc, "| `"+name+"` |") {
					t.Errorf("%s: docs/metrics.md knows no %s", p.Title, name)
				}
			}
		}
	}
	if len(dashboard.Panels) < 10 {
		t.Errorf("have %d panels", len(dashboard.Panels))
	}
}
