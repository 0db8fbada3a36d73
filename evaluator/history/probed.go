package history

import (
	"maps"
	"slices"

	"selfstream/evaluator"
	"selfstream/schemas"
)

// Probed is what the probes say of one snapshot. Step 0 is the untrained
// encoder.
type Probed struct {
	Step       int      `json:"step"`
	Loss       float64  `json:"loss,omitempty"`
	LinearTop1 *float64 `json:"linear_top1,omitempty"` // of the encoder's last stage
	KNNTop1    *float64 `json:"knn_top1,omitempty"`    // alike

	// Of the stage that is best by cross-validation, each probe for
	// itself; absent where only the last stage was looked at.
	LinearBestTop1  *float64      `json:"linear_best_top1,omitempty"`
	LinearBestStage string        `json:"linear_best_stage,omitempty"`
	KNNBestTop1     *float64      `json:"knn_best_top1,omitempty"`
	KNNBestStage    string        `json:"knn_best_stage,omitempty"`
	Stages          []StageProbed `json:"stages,omitempty"` // from the image to the last stage

	PretextTop1 *float64 `json:"pretext_top1,omitempty"` // of the method's own question, on images that were not trained on

	Balance map[string]float64 `json:"balance,omitempty"` // of the classes: balancedness, and the values of evaluator.Balance

	Others map[string]float64 `json:"others,omitempty"` // of probes that need no labels
	Notes  []string           `json:"notes,omitempty"`
}

// StageProbed is what the probes say of one stage of the encoder.
type StageProbed struct {
	Stage      string   `json:"stage"`
	LinearTop1 *float64 `json:"linear_top1,omitempty"`
	KNNTop1    *float64 `json:"knn_top1,omitempty"`
}

func (p *Probed) add(r schemas.Report) {
	value := r.Value
	switch {
	case r.Probe == "linear" && r.Test > 0:
		p.LinearTop1 = &value
		p.LinearBestTop1, p.LinearBestStage = bestStage(r)
		p.addStages(r, func(s *StageProbed) **float64 { return &s.LinearTop1 })
	case r.Probe == "knn" && r.Test > 0:
		p.KNNTop1 = &value
		p.KNNBestTop1, p.KNNBestStage = bestStage(r)
		p.addStages(r, func(s *StageProbed) **float64 { return &s.KNNTop1 })
	case r.Probe == evaluator.Pretext:
		p.PretextTop1 = &value
	case r.Probe == evaluator.Balance:
		p.Balance = map[string]float64{"balancedness": value}
		maps.Copy(p.Balance, r.Values)
	case r.Probe != evaluator.Skipped:
		p.Others[r.Probe] = value
	}
	if r.Note != "" && !slices.Contains(p.Notes, r.Note) {
		p.Notes = append(p.Notes, r.Note)
	}
}

func bestStage(r schemas.Report) (top1 *float64, stage string) {
	if best, ok := r.BestStage(); ok {
		return &best.Value, best.Stage
	}
	return nil, ""
}

// addStages adds the values of a report's stages as the given field.
func (p *Probed) addStages(r schemas.Report, field func(*StageProbed) **float64) {
	for i, s := range r.Stages {
		if i == len(p.Stages) {
			p.Stages = append(p.Stages, StageProbed{Stage: s.Stage})
		}
		*field(&p.Stages[i]) = &s.Value
	}
}
