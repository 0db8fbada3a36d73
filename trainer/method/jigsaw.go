package method

import (
	"flag"
	"fmt"
	"math"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
	"selfstream/trainer/layer"
)

// Jigsaw is the jigsaw puzzle: shown the nine shuffled tiles of an image, the
// network says by which permutation of a set they were shuffled.
//
// Noroozi & Favaro, 2016, "Unsupervised Learning of Visual Representations by
// Solving Jigsaw Puzzles", https://arxiv.org/abs/1603.09246. Nine towers with
// shared weights up to fc6, the context-free network: a tile is understood by
// itself before it meets the others in fc7. The softmax behind that is over the
// permutations (figure 3). The set of them has to be hard to tell apart by a
// few tiles, so it is chosen for large distances; see Permutations.
//
// The paper shows an image as some 69 different puzzles in the course of its
// training. Here the codes of one look at the tiles are laid out as several
// puzzles at once, which costs no more than the layers above them; see puzzles.
//
// fc6 and fc7 are normalised by the batch, all nine tiles together, as later
// programs do (VISSL); the authors' has dropout there instead. The paper brings
// each tile to mean 0 and variance 1 (Normalize), and their program does not; the
// defaults for small images do not either, as the light of a tile is half of what
// so few pixels tell.
type Jigsaw struct {
	from         recipe
	Permutations int
	By           string
	Seed         uint64 // of the permutations
	Puzzles      int    // of one look at an image
	Tile         int    // 0: in proportion to the cell
	Crop         float64
	Flip         float64
	Shift        int
	Project      float64
	Gray         float64
	Normalize    bool
	FC6, FC7     int

	chosen sync.Once
	set    []schemas.Permutation
}

func newJigsaw(s *flag.FlagSet) Method {
	m := &Jigsaw{}
	s.IntVar(&m.Permutations, "permutations", 64, "how many there are to choose from, such as 64, 100 or 1000")
	s.StringVar(&m.By, "permutations-by", MaxMin, "how they are chosen: max_min, by the smallest distance, or max_avg, by the mean")
	s.Uint64Var(&m.Seed, "permutations-seed", 0, "decides which of equally good ones are chosen")
	s.IntVar(&m.Puzzles, "puzzles", 16, "puzzles that are made of the tiles of an image at once, each with another permutation")
	s.IntVar(&m.Tile, "tile", 0, "side of a tile, in pixels; it lies anywhere in a cell, which is a third of the image; 0: 64 for a cell of 85")
	s.Float64Var(&m.Crop, "crop", 1, "smallest share of the image in a puzzle")
	s.Float64Var(&m.Flip, "flip", 0.5, "probability of mirroring the image left and right before it is cut")
	s.IntVar(&m.Shift, "shift", 0, "against colour fringes: pixels by which each colour channel of a tile is moved at most")
	s.Float64Var(&m.Project, "project", 0, "against colour fringes: probability of all tiles losing what is between green and magenta")
	s.Float64Var(&m.Gray, "gray", 0, "probability of all tiles losing their colours")
	s.BoolVar(&m.Normalize, "normalize", false, "against gradients of brightness: give each tile mean 0 and variance 1")
	s.IntVar(&m.FC6, "fc6", 128, "width of the code of a tile")
	s.IntVar(&m.FC7, "fc7", 256, "width of the layer above the codes")
	m.from.bind(s, map[string]string{
		"permutations": "1000", "permutations-by": MaxAvg, "puzzles": "1", "flip": "0", "shift": "2", "gray": "0.3",
		"normalize": "true", "fc6": "1024", "fc7": "4096",
	})
	return m
}

// Name implements Method.
func (m *Jigsaw) Name() string { return "jigsaw" }

// Validate implements Method.
func (m *Jigsaw) Validate() error {
	switch {
	case m.Permutations < 2 || m.Permutations > schemas.MaxPermutations:
		return fmt.Errorf("permutations: have %d, want 2 to %d", m.Permutations, schemas.MaxPermutations)
	case m.By != MaxMin && m.By != MaxAvg:
		return fmt.Errorf("permutations-by: have %q, want %s or %s", m.By, MaxMin, MaxAvg)
	case m.Puzzles < 1 || m.Puzzles > m.Permutations:
		return fmt.Errorf("puzzles: have %d, want 1 to %d, the number of permutations", m.Puzzles, m.Permutations)
	case m.Tile < 0:
		return fmt.Errorf("tile: have %d, want at least 1, or 0 to have it chosen", m.Tile)
	case m.Shift < 0:
		return fmt.Errorf("shift: have %d, want at least 0", m.Shift)
	}
	if err := checkProbabilities(map[string]float64{"flip": m.Flip, "project": m.Project, "gray": m.Gray}); err != nil {
		return err
	}
	if err := checkWidths(m.FC6, m.FC7); err != nil {
		return err
	}
	return checkCrop(m.Crop)
}

// Recipe implements Method: tiles of 64 pixels in cells of 85 at a size of 255,
// as in the paper, and of 16 in cells of 20 at 64. What remains are margins, half
// each, so that an image that has the size is not resized: see [Context.Recipe].
func (m *Jigsaw) Recipe(size int) schemas.Recipe {
	cell := max(1, size/3)
	if rest := size - 3*cell; rest%2 == 1 && cell > 1 {
		cell--
	}
	tile := m.Tile
	if tile == 0 {
		// Even, so that halving it again and again leaves out no pixel.
		tile = max(1, min(2*int(math.Round(float64(cell)*32/85)), cell-1))
	}
	return schemas.Recipe{Jigsaw: &schemas.Jigsaw{
		Size: tile, Cell: cell, Margin: max(0, (size-3*cell)/2),
		Crop: schemas.Crop{ScaleMin: m.Crop, ScaleMax: 1, RatioMin: 1, RatioMax: 1},
		Flip: m.Flip, Shift: m.Shift, Gray: m.Gray, Project: m.Project,
		Permutations: m.permutations(),
	}}
}

// permutations are those to choose from.
func (m *Jigsaw) permutations() []schemas.Permutation {
	m.chosen.Do(func() {
		set, err := Permutations(m.Permutations, m.By, m.Seed)
		if err != nil {
			panic(err) // Validate has looked
		}
		m.set = set
	})
	return m.set
}

// Training implements Method. That of the paper, in section 4, is 350,000 steps
// with a learning rate that falls in steps; on ImageNet these are 70 epochs.
func (m *Jigsaw) Training() Training {
	t := smallTraining()
	t.ImageSize, t.LearningRate = 64, 2e-3
	if m.from.paper {
		t = Training{
			Encoder: "alexnet-cfn", ImageSize: 255, Epochs: 70, Batch: 256,
			Optimizer: "sgd", LearningRate: 0.01, WeightDecay: 5e-4,
		}
	}
	return t
}

// Loss implements Method.
func (m *Jigsaw) Loss(net Net, b Batch) Result {
	b.check(schemas.Tiles)
	head := net.Head("classifier")
	codes, features := towers(net, head, patches(b.Views, m.Normalize), m.FC6)
	codes, answers := puzzles(codes, b.Answers, m.permutations(), m.Puzzles)
	x := dense(head, "fc7", codes, m.FC7, net.Training)
	return answered(layer.Linear(head, "fc8", x, m.Permutations, true), answers, features, ReduceAllMean)
}
