// Package collapse turns embeddings and losses into warnings: the signs that an
// encoder learns to give the same answer to everything, while its loss may look
// fine.
package collapse

import (
	"fmt"
	"math"

	"selfstream/schemas"
	"selfstream/stages/geometry"
)

// When a figure is a warning. A fresh encoder may show any of the signs, so each
// has to stand for some looks in a row.
const (
	MinStd    = 0.1  // spread, as a share of 1/√d
	MinRank   = 0.03 // effective rank, as a share of the largest possible
	MaxChance = 0.01 // distance of the loss from chance, relative to it
	Patience  = 3    // looks
)

// Rows is the largest number of embeddings that is looked at; more say little
// more, and the singular values of 256×128 take 4 ms.
const Rows = 256

// Monitor looks at one run.
type Monitor struct {
	flat, narrow, pinned int // looks in a row that the sign has stood
}

// Look judges the embedding [n, d] of a batch, row-major, and its loss. chance
// is the loss of blind guessing, 0 where there is none.
func (m *Monitor) Look(embedding []float32, n, d int, loss, chance float64) *schemas.Collapse {
	n = min(n, Rows)
	embedding = embedding[:n*d]
	c := &schemas.Collapse{
		Std:      geometry.Std(embedding, n, d),
		StdIdeal: 1 / math.Sqrt(float64(d)),
		Rank:     geometry.RankMe(embedding, n, d),
		Dim:      d,
		Chance:   chance,
	}
	c.Warnings = m.warnings(c, loss, min(n, d))
	return c
}

func (m *Monitor) warnings(c *schemas.Collapse, loss float64, ranks int) (warnings []string) {
	if bad(loss) || bad(c.Std) || bad(c.Rank) {
		// No figure means anything, and JSON has no NaN.
		c.Std, c.Rank = 0, 0
		return []string{"the loss or the embedding is not a number: the run has diverged; try a lower learning rate or a longer warm-up"}
	}
	warn := func(streak *int, sign bool, format string, args ...any) {
		if !sign {
			*streak = 0
			return
		}
		if *streak++; *streak >= Patience {
			warnings = append(warnings, fmt.Sprintf(format, args...))
		}
	}
	warn(&m.flat, c.Std < MinStd*c.StdIdeal,
		"all images get nearly the same embedding: its spread is %.2g, of %.2g where it is even; "+
			"try a lower learning rate, a longer warm-up or a larger batch", c.Std, c.StdIdeal)
	warn(&m.narrow, c.Rank < max(MinRank*float64(ranks), 1.5),
		"the embedding uses %.0f of its %d dimensions: it tells images apart by little more than that many features; "+
			"try stronger distortions, a larger batch or a lower learning rate", math.Round(c.Rank), c.Dim)
	warn(&m.pinned, c.Chance > 0 && math.Abs(loss-c.Chance) < MaxChance*c.Chance,
		"the loss stays at %.4g, which is that of blind guessing (%.4g): nothing is learnt; "+
			"try a higher or a lower learning rate, or weaker distortions", loss, c.Chance)
	return warnings
}

func bad(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
