package schemas

// Neighbours is the number of answers of a Pair: the places around the middle
// of a 3×3 grid, in reading order.
//
//	0 1 2
//	3 · 4
//	5 6 7
const Neighbours = 8

// Pair makes two patches of a 3×3 grid, the one in the middle and one of its
// eight neighbours, each as likely as the others. The answer is the place of
// the second patch as seen from the first. With Grid it makes all nine, of which
// whoever takes them makes pairs.
//
// Doersch et al., 2015, "Unsupervised Visual Representation Learning by Context
// Prediction", https://arxiv.org/abs/1505.05192. The fields below Swap keep a
// network from finding the answer without looking at what the patches show:
// gap and jitter against lines that run on, the colour settings against the
// lens, which shifts colours towards the border of a photo, and resampling
// against patterns of single pixels. Normalising each patch is the last of
// them; it needs more than 8 bits a channel, so it is left to the method.
type Pair struct {
	Size   int  `json:"size"`   // side of a patch, in pixels; the paper has 96
	Gap    int  `json:"gap"`    // between two patches of the grid, in pixels; the paper has 48
	Jitter int  `json:"jitter"` // each patch is moved by −Jitter to Jitter pixels in x and y; the paper has 7
	Crop   Crop `json:"crop"`   // the box of the image that is resized to the grid's Side

	Margin int  `json:"margin,omitempty"` // pixels along the border of the grid that no patch shows: resizing flattens what lies there
	Grid   bool `json:"grid,omitempty"`   // all nine patches, in reading order; the answer is 0

	Flip float64 `json:"flip,omitempty"` // probability of mirroring the whole grid left and right, before patches are cut
	Swap float64 `json:"swap,omitempty"` // probability that the neighbour comes first; otherwise the middle does

	Resample Resample `json:"resample,omitzero"` // of each patch on its own
	Gray     float64  `json:"gray,omitempty"`    // probability of both patches losing colour
	Project  float64  `json:"project,omitempty"` // probability of both patches losing what is between green and magenta
	Drop     float64  `json:"drop,omitempty"`    // probability of a patch keeping but one channel, with faint noise for the others
}

// Resample shrinks a patch and enlarges it again. The shrunk patch has a
// uniformly drawn area, from MinSize² to (Size−1)² pixels.
type Resample struct {
	P       float64 `json:"p,omitempty"`
	MinSize int     `json:"min_size,omitempty"` // in pixels; the paper has 10
}

// Side is the side of the grid, in pixels: three patches, two gaps, room for
// the outer patches to move, and the margin.
func (p Pair) Side() int { return 3*p.Size + 2*p.Gap + 2*p.Jitter + 2*p.Margin }

// Patches is how many are made: two, or all of the grid.
func (p Pair) Patches() int {
	if p.Grid {
		return Tiles
	}
	return 2
}

func (p Pair) validate() error {
	if err := checkSize(p.Size); err != nil {
		return err
	}
	switch r := p.Resample; {
	case p.Gap < 0 || p.Gap > MaxGrid:
		return invalid("gap: have %d, want 0 to %d", p.Gap, MaxGrid)
	case p.Jitter < 0 || p.Jitter > MaxGrid:
		return invalid("jitter: have %d, want 0 to %d", p.Jitter, MaxGrid)
	case p.Margin < 0 || p.Margin > MaxGrid:
		return invalid("margin: have %d, want 0 to %d", p.Margin, MaxGrid)
	case p.Side() > MaxGrid:
		return invalid("grid: have a side of %d for patches of %d, gaps of %d, a jitter of %d and a margin of %d, want at most %d",
			p.Side(), p.Size, p.Gap, p.Jitter, p.Margin, MaxGrid)
	case p.Grid && p.Swap > 0:
		return invalid("swap: have probability %g for all patches of a grid, want 0", p.Swap)
	case r.MinSize < 0 || r.MinSize >= p.Size:
		return invalid("resample min size: have %d, want 0 to %d, less than the patch", r.MinSize, p.Size-1)
	case r.P > 0 && r.MinSize == 0:
		return invalid("resample min size: have 0, want above 0")
	}
	if err := p.Crop.validate(); err != nil {
		return err
	}
	return checkProbabilities([]probability{
		{"flip", p.Flip}, {"swap", p.Swap}, {"gray", p.Gray}, {"project", p.Project}, {"resample", p.Resample.P}, {"drop", p.Drop},
	})
}
