package evaluator

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/view"
	"selfstream/trainer/encoder"
	"selfstream/trainer/layer"
	"selfstream/trainer/optim"
	"selfstream/trainer/snapshot"
)

// Tuning is how a linear classifier on top of an encoder learns from labels step
// by step, and the encoder with it, unless it is frozen. The images are random
// crops of those that the probes see, every other one mirrored; the learning
// rate falls to 0 along a cosine.
type Tuning struct {
	Frozen       bool // only the classifier learns; the encoder is in inference mode
	Optimizer    string
	LearningRate float64 // of the first step
	WeightDecay  float64
	Batch        int     // images
	Epochs       int     // passes over the images; 0: Steps decide
	Steps        int     // batches, however many images there are
	Crop         float64 // smallest share of the image in a crop
}

// classifierScope is where the classifier's variables lie in the store.
const classifierScope = "/classifier"

// tuned is a Tuning at work.
type tuned struct {
	Tuning
	encoder encoder.Encoder
	store   *model.Store // with the variables of the encoder, or none, which are drawn then
	classes int
}

// learn moves the variables of the store by what the given images, of those in
// p, have to teach. All chance comes from the seed.
func (t *tuned) learn(ctx context.Context, b compute.Backend, p pixels, which []int, seed uint64) error {
	layer.SetSeed(t.store, seed)
	o, err := optim.New(t.Optimizer, t.WeightDecay)
	if err != nil {
		return err
	}
	exec, err := model.NewExec(b, t.store, func(s *model.Scope, in []*Node) *Node {
		lr, labels, images := in[0], in[1], in[2]
		loss := t.loss(s, images, labels)
		optim.Minimize(o, s.Store(), loss, lr, 0)
		return loss
	})
	if err != nil {
		return fmt.Errorf("building the classifier: %w", err)
	}
	defer exec.Finalize()
	steps := t.steps(len(which))
	schedule := optim.Schedule{Peak: t.LearningRate, Steps: steps}
	deck := &deck{pixels: p, images: which, seed: seed, crop: t.Crop}
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		images, labels := deck.deal(t.Batch)
		in := []any{
			float32(schedule.At(step)),
			tensors.FromFlatDataAndDimensions(labels, t.Batch),
			tensors.FromFlatDataAndDimensions(images, t.Batch, p.size, p.size, 3),
		}
		loss, err := exec.Call1(in...)
		for _, t := range in[1:] {
			t.(*tensors.Tensor).MustFinalizeAll()
		}
		if err != nil {
			return fmt.Errorf("learning from labels: %w", err)
		}
		value := float64(tensors.ToScalar[float32](loss))
		loss.MustFinalizeAll()
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("learning from labels: the loss of step %d is not a finite number: the snapshot's training, or this one, has diverged", step+1)
		}
	}
	return nil
}

// loss is the mean cross entropy of the classes.
func (t *tuned) loss(s *model.Scope, images, labels *Node) *Node {
	below := s.Store().Scope(snapshot.EncoderScope)
	features := t.encoder.Forward(below, images, !t.Frozen).Features
	if t.Frozen {
		for v := range below.IterVariables() {
			v.SetTrainable(false)
		}
	}
	logits := layer.Linear(s.Store().Scope(classifierScope), "fc", features, t.classes, true)
	own := Mul(LogSoftmax(logits), OneHot(labels, t.classes, logits.DType()))
	return Neg(ReduceAllMean(ReduceSum(own, 1)))
}

// steps is how many batches are made of that many images.
func (t Tuning) steps(images int) int {
	if t.Epochs == 0 {
		return t.Steps
	}
	return (t.Epochs*images + t.Batch - 1) / t.Batch
}

// predict returns the class that the classifier gives to each image.
func (t *tuned) predict(ctx context.Context, b compute.Backend, p pixels) ([]int32, error) {
	x, err := newExtractor(b, t.store, t.encoder.Name, false)
	if err != nil {
		return nil, err
	}
	defer x.close()
	stages, err := x.extract(ctx, p)
	if err != nil {
		return nil, err
	}
	f := stages[0]
	weight := tensors.MustCopyFlatData[float32](t.store.GetVariable(classifierScope + "/fc.weight").MustValue())
	bias := tensors.MustCopyFlatData[float32](t.store.GetVariable(classifierScope + "/fc.bias").MustValue())
	var w []float64 // [classes, Dim+1]
	var classes []int32
	for c, row := range slices.Collect(slices.Chunk(weight, f.Dim)) {
		for _, v := range append(row, bias[c]) {
			w = append(w, float64(v))
		}
		classes = append(classes, int32(c))
	}
	return predict(f, unscaled(f.Dim), w, classes), nil
}

// constants are what a report says of it.
func (t Tuning) constants(images, size int) map[string]string {
	c := map[string]string{
		"optimizer": t.Optimizer, "learning_rate": format(t.LearningRate), "schedule": "cosine to 0",
		"weight_decay": format(t.WeightDecay), "batch": strconv.Itoa(t.Batch), "steps": strconv.Itoa(t.steps(images)),
		"crop": format(t.Crop) + " to 1 of the image", "flip": "0.5", "image_size": strconv.Itoa(size),
		"encoder": "learns, too",
	}
	if t.Epochs > 0 {
		c["epochs"] = strconv.Itoa(t.Epochs)
	}
	if t.Frozen {
		c["encoder"] = "frozen"
	}
	return c
}

// deck deals images to learn from: permutation after permutation, distorted.
type deck struct {
	pixels
	images []int // numbers in pixels
	seed   uint64
	crop   float64

	epoch int
	rest  []int // of the epoch
}

// orderBranch keeps the keys of permutations apart from those of views.
const orderBranch = 0x6f726465 // "orde"

// deal returns the next n images and their classes.
func (d *deck) deal(n int) (images []byte, labels []int32) {
	side := bytesOf(d.size)
	images, labels = make([]byte, n*side), make([]int32, n)
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i := range n {
		if len(d.rest) == 0 {
			d.epoch++
			d.rest = random.New(d.seed).Fold(orderBranch).Fold(uint64(d.epoch)).Perm(len(d.images))
		}
		number, key := d.images[d.rest[0]], view.Key(d.seed, d.epoch, int64(d.images[d.rest[0]]), 0)
		d.rest = d.rest[1:]
		labels[i] = d.labels[number]
		group.Go(func() error {
			src := &view.RGB{W: d.size, H: d.size, Pix: d.data[number*side : (number+1)*side]}
			view.Render(images[i*side:(i+1)*side], src, d.view(), key)
			return nil
		})
	}
	_ = group.Wait() // no view fails
	return images, labels
}

func (d *deck) view() schemas.View {
	return schemas.View{
		Size: d.size, Flip: 0.5,
		Crop: schemas.Crop{ScaleMin: d.crop, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3},
	}
}
