package method

import (
	"flag"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"selfstream/schemas"
	"selfstream/trainer/layer"
)

// Context is context prediction: shown two patches of an image, the network
// says in which of eight places around the first one the second lies.
//
// Doersch, Gupta & Efros, 2015, "Unsupervised Visual Representation Learning by
// Context Prediction", https://arxiv.org/abs/1505.05192. Two towers with shared
// weights up to fc6, concatenated, fc7, fc8 and a softmax over the places
// (figure 3). As in the authors' program both patches are normalised by one
// batch, without scale and shift, behind fc6 and fc7 and not behind fc8; each
// patch is brought to mean 0 and variance 1; and which of the two comes first
// is left to chance, so that every pair is learned in both directions.
//
// The authors cut a few grids out of an image and take all pairs of neighbours.
// With Grid, an image gives a whole grid an epoch: 40 questions about nine
// patches to look at; see neighbours. Without, it gives one pair. The loss is
// a mean, theirs the sum. They drop colours in every patch;
// the paper's other way is Project, with the same result. The defaults for small
// images do neither, and leave each patch its light, which is half of what so
// few pixels tell.
type Context struct {
	from        recipe
	Grid        bool
	Patch       int // 0: the largest that fits
	Gap, Jitter int // −1: in proportion to the patch
	Crop        float64
	Flip        float64
	Drop        float64
	Project     float64
	Gray        float64
	Resample    float64
	Normalize   bool
	FC6, FC7    int
}

func newContext(s *flag.FlagSet) Method {
	m := &Context{}
	s.BoolVar(&m.Grid, "grid", true, "look at all nine patches of a grid, and ask about all 40 pairs of neighbours; otherwise at one pair")
	s.IntVar(&m.Patch, "patch", 0, "side of a patch, in pixels; 0: the largest whose grid fits into the image")
	s.IntVar(&m.Gap, "gap", -1, "between patches, in pixels; -1: half a patch")
	s.IntVar(&m.Jitter, "jitter", -1, "pixels by which a patch may be away from its place; -1: 7 for a patch of 96")
	s.Float64Var(&m.Crop, "crop", 1, "smallest share of the image that the grid covers")
	s.Float64Var(&m.Flip, "flip", 0.5, "probability of mirroring the image left and right before the patches are cut")
	s.Float64Var(&m.Drop, "drop", 0, "against colour fringes: probability of a patch keeping one colour channel, with noise for the others")
	s.Float64Var(&m.Project, "project", 0, "against colour fringes: probability of both patches losing what is between green and magenta")
	s.Float64Var(&m.Gray, "gray", 0, "probability of both patches losing their colours")
	s.Float64Var(&m.Resample, "resample", 0, "against patterns of single pixels: probability of a patch being shrunk and enlarged again")
	s.BoolVar(&m.Normalize, "normalize", false, "against gradients of brightness: give each patch mean 0 and variance 1")
	s.IntVar(&m.FC6, "fc6", 256, "width of the code of a patch")
	s.IntVar(&m.FC7, "fc7", 256, "width of the two layers above the codes, fc7 and fc8")
	m.from.bind(s, map[string]string{
		"grid": "false", "crop": "0.35", "flip": "0", "drop": "1", "resample": "0.33", "normalize": "true",
		"fc6": "4096", "fc7": "4096",
	})
	return m
}

// Name implements Method.
func (m *Context) Name() string { return "context" }

// Validate implements Method.
func (m *Context) Validate() error {
	switch {
	case m.Patch < 0:
		return fmt.Errorf("patch: have %d, want at least 1, or 0 to have it chosen", m.Patch)
	case m.Gap < -1:
		return fmt.Errorf("gap: have %d, want at least 0, or -1 to have it chosen", m.Gap)
	case m.Jitter < -1:
		return fmt.Errorf("jitter: have %d, want at least 0, or -1 to have it chosen", m.Jitter)
	}
	err := checkProbabilities(map[string]float64{
		"flip": m.Flip, "drop": m.Drop, "project": m.Project, "gray": m.Gray, "resample": m.Resample,
	})
	if err != nil {
		return err
	}
	if err := checkWidths(m.FC6, m.FC7); err != nil {
		return err
	}
	return checkCrop(m.Crop)
}

// Recipe implements Method. The grid of three patches, two gaps and the room
// for jitter is as large as fits into size, so that patches show things as
// large as the whole image does: 96 pixels at a size of 398, as in the paper,
// and 15 at 64.
//
// With Grid there are margins, and they fill the size: a whole image that has it
// is not resized. From 64 to 62 pixels, say, resizing blurs the middle more than
// the border, and how sharp a patch is would tell where it lies.
func (m *Context) Recipe(size int) schemas.Recipe {
	patch := m.Patch
	if patch == 0 {
		for patch = 1; m.pair(patch+1).Side() <= size; patch++ {
		}
		if rest := size - m.pair(patch).Side(); m.Grid && rest%2 == 1 && patch > 1 {
			patch-- // The margins take the rest, half each.
		}
	}
	pair := m.pair(patch)
	if m.Grid {
		pair.Margin += max(0, (size-pair.Side())/2)
	}
	return schemas.Recipe{Pair: &pair}
}

// pair is what is asked for patches of that side.
func (m *Context) pair(patch int) schemas.Pair {
	share := func(chosen int, of96 float64) int {
		if chosen >= 0 {
			return chosen
		}
		return int(math.Round(of96 / 96 * float64(patch)))
	}
	p := schemas.Pair{
		Size: patch, Gap: share(m.Gap, 48), Jitter: share(m.Jitter, 7),
		Crop: schemas.Crop{ScaleMin: m.Crop, ScaleMax: 1, RatioMin: 1, RatioMax: 1},
		Flip: m.Flip, Gray: m.Gray, Project: m.Project, Drop: m.Drop,
	}
	if m.Grid {
		p.Grid, p.Margin = true, 1
	} else {
		p.Swap = 0.5
	}
	if least := max(1, share(-1, 10)); m.Resample > 0 && least < patch {
		p.Resample = schemas.Resample{P: m.Resample, MinSize: least}
	}
	return p
}

// Training implements Method.
//
// The authors' learning rate of 1e-5 is for the sum over a batch, without
// momentum; with a momentum of 0.9 and the mean, a tenth of that times the batch
// moves the weights as far. They train until they run out of patience, for more
// than a million steps.
func (m *Context) Training() Training {
	t := smallTraining()
	t.ImageSize, t.LearningRate = 64, 2e-3
	if m.from.paper {
		t = Training{
			Encoder: "alexnet", ImageSize: 398, Epochs: 400, Batch: 512,
			Optimizer: "sgd", LearningRate: 1e-6, BaseBatch: 1,
		}
	}
	return t
}

// Loss implements Method.
func (m *Context) Loss(net Net, b Batch) Result {
	questions, answers, over := []question{{first: 0, second: 1}}, b.Answers, mean(ReduceAllMean)
	if m.Grid {
		questions = neighbours()
		answers, over = answersTo(questions, b.Answers), evenly(questions)
	}
	n := m.pair(1).Patches()
	b.check(n)
	head := net.Head("classifier")
	codes, features := towers(net, head, patches(b.Views, m.Normalize), m.FC6)
	x := both(head, "fc7", Reshape(codes, -1, n, m.FC6), questions, m.FC7)
	x = layer.ReLU(layer.BatchNormPlain(head, "fc7.norm", x, net.Training))
	x = layer.ReLU(layer.Linear(head, "fc8", x, m.FC7, true))
	return answered(layer.Linear(head, "fc9", x, schemas.Neighbours, true), answers, features, over)
}
