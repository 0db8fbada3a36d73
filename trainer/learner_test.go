package trainer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gomlx/compute/dtypes"

	"selfstream/schemas"
	"selfstream/stages/backend"
	"selfstream/stages/oracletest"
	"selfstream/stages/random"
	"selfstream/trainer/encoder"
	"selfstream/trainer/feed"
	"selfstream/trainer/layer"
	"selfstream/trainer/method"
	"selfstream/trainer/optim"
)

// brightness is a method without batch normalisation: a linear layer shall give
// 1 for every image. Its loss is a mean over images.
type brightness struct{ method.Method }

func (brightness) Recipe(size int) schemas.Recipe {
	return schemas.Recipe{Views: []schemas.View{{Size: size}}}
}

func (brightness) Loss(net method.Net, b method.Batch) method.Result {
	x := DivScalar(ConvertDType(b.Views[0], dtypes.Float32), 255)
	y := layer.Linear(net.Head("linear"), "fc", Reshape(x, x.Shape().Dim(0), -1), 3, true)
	loss := ReduceAllMean(Square(OneMinus(y)))
	return method.Result{Loss: loss, Embedding: y, Values: map[string]*Node{"twice": MulScalar(loss, 2)}}
}

const side = 16

func newTestLearner(t testing.TB, store *model.Store, m method.Method, optimizer string, batch, parts int, clip float64) *learner {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	e, err := encoder.New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	o, err := optim.New(optimizer, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	layer.SetSeed(store, 1)
	l, err := newLearner(b, store, lesson{
		method: m, encoder: e, optimizer: o, recipe: m.Recipe(side), batch: batch, parts: parts, clipNorm: clip,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// testBatch is random images, always the same for a seed.
func testBatch(m method.Method, size int, seed uint64) *feed.Batch {
	b := &feed.Batch{Labels: make([]int32, size), IDs: make([]int64, size)}
	for i, v := range m.Recipe(side).Views {
		pixels := make([]byte, size*v.Size*v.Size*3)
		for k := range pixels {
			pixels[k] = byte(random.New(seed).Fold(uint64(i)).Uniform(uint64(k), 0, 256))
		}
		b.Views = append(b.Views, feed.View{Side: v.Size, Pieces: [][]byte{pixels[:len(pixels)/3], pixels[len(pixels)/3:]}})
	}
	return b
}

// part is the k-th of n equal parts of a batch.
func part(b *feed.Batch, k, n int) *feed.Batch {
	size := b.Size() / n
	p := &feed.Batch{Labels: b.Labels[k*size : (k+1)*size], IDs: b.IDs[k*size : (k+1)*size]}
	for _, v := range b.Views {
		pixels := make([]byte, size*v.Side*v.Side*3)
		v.Copy(pixels, k*size)
		p.Views = append(p.Views, feed.View{Side: v.Side, Pieces: [][]byte{pixels}})
	}
	return p
}

func mustLoad(t testing.TB, l *learner, b *feed.Batch) loaded {
	t.Helper()
	on, err := l.load(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return on
}

func mustStep(t testing.TB, l *learner, b *feed.Batch, lr, progress float64) reading {
	t.Helper()
	o, err := l.step(mustLoad(t, l, b), lr, progress)
	if err != nil {
		t.Fatal(err)
	}
	return l.read(o)
}

func values(v *model.Variable) []float32 { return tensors.MustCopyFlatData[float32](v.MustValue()) }

func byol(t testing.TB) method.Method {
	t.Helper()
	m, err := method.New("byol", map[string]string{"dim": "8", "hidden": "16", "momentum": "0.75"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPartsAreTheWhole: where nothing is normalised over the batch, taking it
// in parts changes no weight beyond rounding, whatever the optimiser makes of
// the gradient, and no value.
func TestPartsAreTheWhole(t *testing.T) {
	for _, optimizer := range optim.Names() {
		for _, clip := range []float64{0, 0.1} {
			whole := newTestLearner(t, model.NewStore(), brightness{}, optimizer, 12, 1, clip)
			var want []reading
			for i := range 3 {
				want = append(want, mustStep(t, whole, testBatch(brightness{}, 12, uint64(i)), 0.01, 0))
			}
			for _, parts := range []int{2, 3, 6} {
				l := newTestLearner(t, model.NewStore(), brightness{}, optimizer, 12, parts, clip)
				for i := range 3 {
					have := mustStep(t, l, testBatch(brightness{}, 12, uint64(i)), 0.01, 0)
					if math.Abs(have.loss-want[i].loss) > 1e-5*want[i].loss {
						t.Errorf("%s, clip %g, %d parts, step %d: have loss %g, want %g", optimizer, clip, parts, i, have.loss, want[i].loss)
					}
					for name, w := range want[i].values {
						if h := have.values[name]; math.Abs(h-w) > 1e-4*w {
							t.Errorf("%s, clip %g, %d parts, step %d: have %s %g, want %g", optimizer, clip, parts, i, name, h, w)
						}
					}
				}
				for v := range whole.store.IterVariables() {
					if v.DType() != dtypes.Float32 {
						continue
					}
					if d := oracletest.Distance(values(l.store.GetVariable(v.Path())), values(v)); !(d < 1e-4) {
						t.Errorf("%s, clip %g, %d parts: %s is off by %.2g", optimizer, clip, parts, v.Path(), d)
					}
				}
			}
		}
	}
}

// TestPartsAreNormalisedAlone: with batch normalisation a step in parts is the
// mean of the steps that each part would make by itself, and running
// statistics follow one part after the other. So does BYOL's target network,
// which moves once, after the weights.
func TestPartsAreNormalisedAlone(t *testing.T) {
	const parts, size, lr = 3, 4, 0.1
	m := byol(t)
	b := testBatch(m, parts*size, 1)
	l := newTestLearner(t, model.NewStore(), m, "sgd", parts*size, parts, 0)
	mustStep(t, l, b, lr, 0)
	mean := map[string][]float32{}
	for k := range parts {
		alone := newTestLearner(t, model.NewStore(), m, "sgd", size, 1, 0)
		mustStep(t, alone, part(b, k, parts), lr, 0)
		for v := range alone.store.IterVariables() {
			for i, x := range values(v) {
				if mean[v.Path()] == nil {
					mean[v.Path()] = make([]float32, v.Shape().Size())
				}
				mean[v.Path()][i] += x / parts
			}
		}
	}
	inTurn := newTestLearner(t, model.NewStore(), m, "sgd", size, 1, 0)
	for k := range parts {
		mustStep(t, inTurn, part(b, k, parts), 0, 1) // nothing moves but running statistics
	}
	for path, want := range mean {
		if strings.Contains(path, ".running_") {
			want = values(inTurn.store.GetVariable(path))
		}
		if d := oracletest.Distance(values(l.store.GetVariable(path)), want); !(d < 1e-5) {
			t.Errorf("%s is off by %.2g", path, d)
		}
	}
}

// TestResumeInParts: four steps are two, a copy of the store, and two more, bit
// for bit.
func TestResumeInParts(t *testing.T) {
	m := byol(t)
	run := func(store *model.Store, steps ...int) {
		l := newTestLearner(t, store, m, "adamw", 8, 2, 0.5)
		for _, i := range steps {
			mustStep(t, l, testBatch(m, 8, uint64(i)), 0.01, optim.Progress(i, 4))
		}
	}
	straight, first, second := model.NewStore(), model.NewStore(), model.NewStore()
	run(straight, 0, 1, 2, 3)
	run(first, 0, 1)
	for _, v := range slices.Backward(slices.Collect(first.IterVariables())) {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.CreateVariable(v.Path(), value); err != nil {
			t.Fatal(err)
		}
	}
	run(second, 2, 3)
	for v := range straight.IterVariables() {
		have, want := fmt.Sprint(second.GetVariable(v.Path()).MustValue().Value()), fmt.Sprint(v.MustValue().Value())
		if have != want {
			t.Errorf("%s differs after a resume", v.Path())
		}
	}
}
