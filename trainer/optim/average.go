package optim

import (
	"math"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// MovingAverage moves the parameters below target towards those of the same
// names below source:
//
//	target ← momentum·target + (1 − momentum)·source
//
// Only what is trainable in source moves: running statistics belong to the
// passes that made them. Called after Minimize, it follows the new weights.
func MovingAverage(target, source *model.Scope, momentum *Node) {
	for v := range target.IterVariables() {
		path := model.JoinPath(source.Scope(), strings.TrimPrefix(v.Path(), target.Scope()))
		w := source.Store().GetVariable(path)
		if w == nil || !w.Trainable {
			continue
		}
		kept := Mul(momentum, v.NodeValue(momentum))
		v.SetNodeValue(Add(kept, Mul(OneMinus(momentum), w.NodeValue(momentum))))
	}
}

// Cosine goes from one value to another along half a cosine, as progress, a
// scalar, goes from 0 to 1.
func Cosine(progress *Node, from, to float64) *Node {
	share := MulScalar(OnePlus(Cos(MulScalar(progress, math.Pi))), 0.5)
	return AddScalar(MulScalar(share, from-to), to)
}
