package study

import (
	"math"
	"slices"

	"selfstream/evaluator"
	"selfstream/evaluator/history"
)

// What can be read of a run. Probes are those of its last snapshot.
var (
	linear    = Reading{Name: "linear", Kind: Percent, Drawn: true, Of: probed(func(p history.Probed) *float64 { return p.LinearTop1 })}
	knn       = Reading{Name: "k-NN", Kind: Percent, Of: probed(func(p history.Probed) *float64 { return p.KNNTop1 })}
	bestStage = Reading{Name: "best stage", Kind: Percent, Drawn: true, Of: probed(func(p history.Probed) *float64 { return p.LinearBestTop1 })}

	// untrained is the linear probe of the encoder before the first step, of the
	// same seed.
	untrained = Reading{Name: "untrained", Kind: Percent, Of: untrainedLinear}

	// Of the embedding of a batch, when it was last looked at; see
	// trainer/collapse.
	rank   = Reading{Name: "dimensions in use", Drawn: true, Of: embeddingRank}
	breath = Reading{Name: "spread", Of: embeddingSpread} // as a share of that of an even one
	warned = Reading{Name: "warned", Kind: YesNo, Of: endsWarned}

	// untrainedBest is that of its best stage.
	untrainedBest = Reading{Name: "untrained, best stage", Kind: Percent, Of: func(r *history.Run) float64 { return value(first(r).LinearBestTop1) }}

	// pretext is how often the question of a method is answered for held-out images.
	pretext = Reading{Name: "answered", Kind: Percent, Of: probed(func(p history.Probed) *float64 { return p.PretextTop1 })}

	loss = Reading{Name: "loss", Of: func(r *history.Run) float64 { return last(r).Loss }}
)

func first(r *history.Run) history.Probed {
	if len(r.Probes) == 0 || r.Probes[0].Step != 0 {
		return history.Probed{}
	}
	return r.Probes[0]
}

func last(r *history.Run) history.Probed {
	if len(r.Probes) == 0 {
		return history.Probed{}
	}
	return r.Probes[len(r.Probes)-1]
}

func value(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

func probed(of func(history.Probed) *float64) func(*history.Run) float64 {
	return func(r *history.Run) float64 { return value(of(last(r))) }
}

func untrainedLinear(r *history.Run) float64 { return value(first(r).LinearTop1) }

// balanced reads how even the linear probe is over classes; see
// evaluator.Balance.
func balanced(name, key string, kind Kind) Reading {
	return Reading{Name: name, Kind: kind, Drawn: true, Of: func(r *history.Run) float64 {
		if v, ok := last(r).Balance[key]; ok {
			return v
		}
		return math.NaN()
	}}
}

// asked reads what a study has asked for: the mean of a probe's repeats, from that
// share of the labels.
func asked(name, probe string, labels float64) Reading {
	return Reading{Name: name, Kind: Percent, Drawn: true, Of: func(r *history.Run) float64 {
		for _, e := range slices.Backward(r.Evaluations) {
			if e.Probe == probe && e.Labels == labels && (e.Step > 0 || probe == evaluator.Scratch) {
				return e.Value
			}
		}
		return math.NaN()
	}}
}

// trained reads a value of the method, as it was last measured in training.
func trained(name, key string) Reading {
	return Reading{Name: name, Of: func(r *history.Run) float64 {
		for i := len(r.Curve.Points) - 1; i >= 0; i-- {
			if v, ok := r.Curve.Points[i].Values[key]; ok {
				return v
			}
		}
		return math.NaN()
	}}
}

func embeddingRank(r *history.Run) float64 {
	if c := r.Collapse(); c != nil {
		return c.Rank
	}
	return math.NaN()
}

func embeddingSpread(r *history.Run) float64 {
	if c := r.Collapse(); c != nil {
		return c.Std / c.StdIdeal
	}
	return math.NaN()
}

func endsWarned(r *history.Run) float64 {
	switch c := r.Collapse(); {
	case c == nil:
		return math.NaN()
	case len(c.Warnings) > 0:
		return 1
	}
	return 0
}
