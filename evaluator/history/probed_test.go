package history

import (
	"testing"

	"selfstream/schemas"
)

// TestStages: reports of two probes meet in one row for each stage, and each
// probe has a best stage of its own.
func TestStages(t *testing.T) {
	stage := func(name string, value, heldOut float64) schemas.StageValue {
		return schemas.StageValue{Stage: name, Value: value, HeldOut: heldOut}
	}
	p := Probed{Others: map[string]float64{}}
	p.add(schemas.Report{Probe: "linear", Value: 0.6, Test: 10, Stages: []schemas.StageValue{stage("a", 0.7, 0.9), stage("b", 0.6, 0.8)}})
	p.add(schemas.Report{Probe: "knn", Value: 0.5, Test: 10, Stages: []schemas.StageValue{stage("a", 0.4, 0.1), stage("b", 0.5, 0.2)}})
	if *p.LinearTop1 != 0.6 || *p.LinearBestTop1 != 0.7 || p.LinearBestStage != "a" || *p.KNNBestTop1 != 0.5 || p.KNNBestStage != "b" {
		t.Errorf("have %+v", p)
	}
	if len(p.Stages) != 2 || p.Stages[0].Stage != "a" || *p.Stages[0].LinearTop1 != 0.7 || *p.Stages[1].KNNTop1 != 0.5 {
		t.Errorf("have stages %+v", p.Stages)
	}
	p = Probed{}
	p.add(schemas.Report{Probe: "linear", Value: 0.6, Test: 10})
	if p.LinearBestTop1 != nil || p.LinearBestStage != "" || p.Stages != nil {
		t.Errorf("have %+v, want no stages where only the last was looked at", p)
	}
}
