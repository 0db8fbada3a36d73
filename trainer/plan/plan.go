// Package plan turns a manifest into the splits of every epoch: what comes
// when, as a pure function of (manifest, recipe, seed). It knows nothing of
// queues and clocks.
package plan

import (
	"sync"

	"selfstream/schemas"
	"selfstream/stages/random"
)

// splitBytes is what a split's samples weigh, about: JetStream moves messages
// of 0.5 to 2 MiB best.
const splitBytes = 1 << 20

// minSplits keeps a small dataset from being one split that a single
// augmenter makes while the others wait.
const minSplits = 8

// Plan says which images every split of every epoch holds.
type Plan struct {
	run      string
	seed     uint64
	recipe   schemas.Recipe
	manifest *Manifest
	perSplit int
	tars     *tars // nil: all images are objects

	mu    sync.Mutex
	epoch int   // of order
	order []int // of the images in that epoch
}

// New plans the run: splits of about a mebibyte of samples, smaller for a
// dataset that would fill fewer than eight.
func New(run string, seed uint64, recipe schemas.Recipe, m *Manifest) *Plan {
	n := len(m.Images)
	per := max(1, min(splitBytes/max(1, recipe.BytesPerImage()), (n+minSplits-1)/minSplits))
	return &Plan{run: run, seed: seed, recipe: recipe, manifest: m, perSplit: per, tars: tarsOf(m.Images, per), epoch: -1}
}

// Splits is the number of splits in an epoch.
func (p *Plan) Splits() int { return (len(p.manifest.Images) + p.perSplit - 1) / p.perSplit }

// SplitBytes is what the samples of the largest split weigh without their
// header, in bytes.
func (p *Plan) SplitBytes() int { return p.perSplit * p.recipe.BytesPerImage() }

// Split is the split at a position, the same whenever it is asked for.
func (p *Plan) Split(at Position) schemas.Split {
	order := p.permutation(at.Epoch)
	first := at.Split * p.perSplit
	order = order[first:min(first+p.perSplit, len(order))]
	s := schemas.Split{
		Run: p.run, Epoch: at.Epoch, Index: at.Split, Seed: p.seed, Recipe: p.recipe,
		Images: make([]schemas.Image, len(order)),
	}
	for i, id := range order {
		s.Images[i] = p.manifest.Images[id]
	}
	return s
}

// permutation is the order of an epoch's images. The last one asked for is
// kept: positions come in order, but for a re-issued one now and then.
func (p *Plan) permutation(epoch int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch != epoch {
		key := random.New(p.seed).Fold(orderDomain).Fold(uint64(epoch))
		if p.tars == nil {
			p.order = key.Perm(len(p.manifest.Images))
		} else {
			p.order = p.tars.order(key, p.perSplit)
		}
		p.epoch = epoch
	}
	return p.order
}

// orderDomain keeps the keys of the order apart from those of the views, which
// are folded from the same seed.
const orderDomain = 0x6f72646572 // "order"

// Position is the place of a split in a run.
type Position struct {
	Epoch int `json:"epoch"`
	Split int `json:"split"`
}

// Next is the position after at.
func (p *Plan) Next(at Position) Position {
	at.Split++
	if at.Split >= p.Splits() {
		at = Position{Epoch: at.Epoch + 1}
	}
	return at
}

// Before tells whether a comes before b.
func (a Position) Before(b Position) bool {
	return a.Epoch < b.Epoch || a.Epoch == b.Epoch && a.Split < b.Split
}

// Cursor is how far a run has trained: the next sample is the Offset-th good
// one of the split at Position.
type Cursor struct {
	Position
	Offset int `json:"offset"`
}
