package feed

import (
	"selfstream/schemas"
	"selfstream/trainer/plan"
)

// Batch is what one step trains on: Size samples in the order of the plan.
type Batch struct {
	Views   []View  // one per view of the recipe
	Labels  []int32 // [Size], classes
	Answers []int32 // [Size], see schemas.Recipe.Answers; nil if the recipe asks nothing
	IDs     []int64 // [Size], places in the manifest

	After plan.Cursor // where the run stands once the batch is trained on
}

// Size is the number of samples.
func (b *Batch) Size() int { return len(b.IDs) }

// View is one view of a batch's samples: uint8 [Size, Side, Side, 3], in pieces of
// whole rows that lie where the messages had them. Nothing copies them before
// the step does.
type View struct {
	Side   int // in pixels
	Pieces [][]byte
}

// Copy writes the samples from first on into dst, as many as it takes.
func (v View) Copy(dst []byte, first int) {
	skip := first * v.Side * v.Side * 3
	for _, piece := range v.Pieces {
		from := min(skip, len(piece))
		skip -= from
		dst = dst[copy(dst, piece[from:]):]
	}
}

// Cutter cuts batches of exactly one size from samples that come in the order
// of the plan. What an epoch leaves over goes into the next epoch's first
// batch.
type Cutter struct {
	plan *plan.Plan
	size int
	skip int    // samples of the next split that were trained on before a resume
	part *Batch // filling up; nil when the last one was full

	samples *schemas.Samples // being cut
	at      plan.Position    // of samples
	taken   int              // of samples' rows
}

// NewCutter returns a cutter that begins at the cursor.
func NewCutter(p *plan.Plan, size int, from plan.Cursor) *Cutter {
	return &Cutter{plan: p, size: size, skip: from.Offset}
}

// Add takes the samples of the next split of the plan. All batches must have
// been taken with Next before.
func (c *Cutter) Add(s *schemas.Samples) {
	c.samples = s
	c.at = plan.Position{Epoch: s.Epoch, Split: s.Index}
	c.taken = min(c.skip, len(s.IDs))
	c.skip = 0
}

// Next is the next full batch, or nil when more samples are needed.
func (c *Cutter) Next() *Batch {
	for c.samples != nil && c.taken < len(c.samples.IDs) {
		if c.part == nil {
			c.part = c.empty()
		}
		c.fill()
		if c.part.Size() == c.size {
			full := c.part
			c.part = nil
			return full
		}
	}
	return nil
}

func (c *Cutter) empty() *Batch {
	b := &Batch{
		Views:  make([]View, len(c.samples.Views)),
		Labels: make([]int32, 0, c.size),
		IDs:    make([]int64, 0, c.size),
	}
	if c.samples.Answers != nil {
		b.Answers = make([]int32, 0, c.size)
	}
	for i, v := range c.samples.Views {
		b.Views[i].Side = v.Size
	}
	return b
}

// fill takes as many rows as there are and as fit.
func (c *Cutter) fill() {
	b, s := c.part, c.samples
	n := min(c.size-b.Size(), len(s.IDs)-c.taken)
	first, last := c.taken, c.taken+n
	for i, v := range s.Views {
		row := v.Size * v.Size * 3
		b.Views[i].Pieces = append(b.Views[i].Pieces, v.Data[first*row:last*row])
	}
	b.Labels = append(b.Labels, s.Labels[first:last]...)
	if s.Answers != nil {
		b.Answers = append(b.Answers, s.Answers[first:last]...)
	}
	b.IDs = append(b.IDs, s.IDs[first:last]...)
	c.taken = last
	b.After = plan.Cursor{Position: c.at, Offset: c.taken}
	if c.taken == len(s.IDs) {
		b.After = plan.Cursor{Position: c.plan.Next(c.at)}
	}
}
