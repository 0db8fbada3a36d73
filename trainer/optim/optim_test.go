package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"selfstream/stages/backend"
	"selfstream/stages/oracletest"
	"selfstream/stages/random"
)

func goBackend(t testing.TB) compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOracleSGD(t *testing.T) {
	oracletest.Each(t, "sgd*", func(t *testing.T, c oracletest.Case) {
		replay(t, c, SGD{Momentum: c.Parameter("momentum"), WeightDecay: c.Parameter("weight_decay")})
	})
}

func TestOracleAdamW(t *testing.T) {
	oracletest.Each(t, "adamw*", func(t *testing.T, c oracletest.Case) {
		replay(t, c, AdamW{
			Beta1: c.Parameter("beta1"), Beta2: c.Parameter("beta2"),
			Epsilon: c.Parameter("eps"), WeightDecay: c.Parameter("weight_decay"),
		})
	})
}

func TestOracleLARS(t *testing.T) {
	oracletest.Each(t, "lars*", func(t *testing.T, c oracletest.Case) {
		replay(t, c, LARS{
			Momentum: c.Parameter("momentum"), WeightDecay: c.Parameter("weight_decay"),
			Trust: c.Parameter("trust_coefficient"),
		})
	})
}

// replay gives o the gradients of an oracle and compares the weights after
// every step. The weight is w and, in some, there is a bias b.
func replay(t *testing.T, c oracletest.Case, o Optimizer) {
	names := []string{"w"}
	if c.Has("b0") {
		names = append(names, "b")
	}
	store := model.NewStore()
	for _, name := range names {
		x, shape := c.Values(name + "0")
		if _, err := store.CreateVariable("/encoder/"+name, tensors.FromFlatDataAndDimensions(x, shape...)); err != nil {
			t.Fatal(err)
		}
	}
	// The gradient of Σ w·g is g.
	exec := model.MustNewExec(goBackend(t), store, func(s *model.Scope, in []*Node) *Node {
		lr, loss := in[0], ScalarZero(in[0].Graph(), in[0].DType())
		for i, name := range names {
			loss = Add(loss, ReduceAllSum(Mul(s.At("encoder").GetVariable(name).NodeValue(lr), in[1+i])))
		}
		return Minimize(o, s.Store(), loss, lr, 0)
	})
	steps := 0
	for c.Has(fmt.Sprint("grad_w", steps)) {
		inputs := []any{float32(c.Parameter("lr"))}
		for _, name := range names {
			g, shape := c.Values(fmt.Sprint("grad_", name, steps))
			inputs = append(inputs, tensors.FromFlatDataAndDimensions(g, shape...))
		}
		exec.MustCall(inputs...)
		steps++
		for _, name := range names {
			want, _ := c.Values(fmt.Sprint(name, steps))
			have := tensors.MustCopyFlatData[float32](store.GetVariable("/encoder/" + name).MustValue())
			if d := oracletest.Distance(have, want); !(d < 1e-6) {
				t.Errorf("%s after step %d: relative error %.2g, want below 1e-6", name, steps, d)
			}
		}
	}
	if steps == 0 {
		t.Error("have no steps in the oracle, want some")
	}
}

// TestOnlyTrainable: neither running statistics, nor what the loss does not
// use, nor the state of the optimiser itself are touched or decayed.
func TestOnlyTrainable(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			o, err := New(name, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			store := model.NewStore()
			build := func(s *model.Scope, lr *Node) *Node {
				s = s.At("encoder")
				used := s.VariableWithValue("used", [][]float32{{1, 2}})
				s.VariableWithValue("unused", [][]float32{{1, 2}})
				mean := s.VariableWithValue("running_mean", [][]float32{{1, 2}}).SetTrainable(false)
				loss := ReduceAllSum(Mul(used.NodeValue(lr), mean.NodeValue(lr)))
				return Minimize(o, s.Store(), loss, lr, 0)
			}
			model.MustNewExec(goBackend(t), store, build).MustCall1(float32(0.1))
			for v := range store.IterVariables() {
				switch {
				case strings.HasPrefix(v.Path(), "/optimizer/"):
					if v.Trainable {
						t.Errorf("%s is trainable", v.Path())
					}
					if !strings.HasPrefix(v.Path(), "/optimizer/encoder/used/") && v.Path() != "/optimizer/step" {
						t.Errorf("have state %s, want none", v.Path())
					}
				default:
					x := tensors.MustCopyFlatData[float32](v.MustValue())
					moved := x[0] != 1 || x[1] != 2
					if want := v.Name() == "used"; moved != want {
						t.Errorf("%s: have %v, want moved %v", v.Path(), x, want)
					}
				}
			}
		})
	}
}

// TestNoDecayOfVectors: without a gradient, only weight decay moves weights,
// and it moves matrices only. LARS leaves them alone too then.
func TestNoDecayOfVectors(t *testing.T) {
	for name, want := range map[string]float32{"sgd": 2 * (1 - 0.1*0.5), "adamw": 2 * (1 - 0.1*0.5), "lars": 2} {
		t.Run(name, func(t *testing.T) {
			o, err := New(name, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			store := model.NewStore()
			model.MustNewExec(goBackend(t), store, func(s *model.Scope, lr *Node) *Node {
				weight := s.VariableWithValue("weight", [][]float32{{2}})
				bias := s.VariableWithValue("bias", []float32{2})
				zero := MulScalar(Add(ReduceAllSum(weight.NodeValue(lr)), ReduceAllSum(bias.NodeValue(lr))), 0)
				return Minimize(o, s.Store(), zero, lr, 0)
			}).MustCall1(float32(0.1))
			weight := store.GetVariable("/weight").MustValue().Value().([][]float32)[0][0]
			bias := store.GetVariable("/bias").MustValue().Value().([]float32)[0]
			if math.Abs(float64(weight-want)) > 1e-6 || bias != 2 {
				t.Errorf("have weight %g and bias %g, want %g and 2", weight, bias, want)
			}
		})
	}
}

// TestAdamWByHand: the first step has length lr, whatever the gradient's, also
// with PyTorch's β₂, for which 1 − β₂ᵗ in float32 is off by 5e-5.
func TestAdamWByHand(t *testing.T) {
	store := model.NewStore()
	model.MustNewExec(goBackend(t), store, func(s *model.Scope, lr *Node) *Node {
		w := s.VariableWithValue("w", []float32{0, 0, 0}).NodeValue(lr)
		return Minimize(DefaultAdamW(0), s.Store(), ReduceAllSum(Mul(w, Const(lr.Graph(), []float32{1e-3, -1, 1e+3}))), lr, 0)
	}).MustCall1(float32(1))
	have := tensors.MustCopyFlatData[float32](store.GetVariable("/w").MustValue())
	if d := oracletest.Distance(have, []float32{-1, 1, -1}); !(d < 1.1e-5) { // ε is 1e-5 of the smallest gradient
		t.Errorf("have %v, want -1, 1, -1", have)
	}
}

// TestLARSByHand: the step of a matrix has length lr·η·‖w‖ whatever the
// gradient's, that of a vector is the gradient's, and the sizes of 0 are safe.
func TestLARSByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		w, g any
		want float32 // first element after one step with lr 1, η 0.1
	}{
		{"small gradient", [][]float32{{3, 4}}, [][]float32{{1e-3, 0}}, 3 - 0.1*5},
		{"large gradient", [][]float32{{3, 4}}, [][]float32{{1e+3, 0}}, 3 - 0.1*5},
		{"vector", []float32{3, 4}, []float32{0.5, 0}, 2.5},
		{"weights of 0", [][]float32{{0, 0}}, [][]float32{{0.5, 0}}, -0.5},
		{"gradient of 0", [][]float32{{3, 4}}, [][]float32{{0, 0}}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := model.NewStore()
			model.MustNewExec(goBackend(t), store, func(s *model.Scope, lr *Node) *Node {
				w := s.VariableWithValue("w", tc.w).NodeValue(lr)
				return Minimize(LARS{Momentum: 0.9, Trust: 0.1}, s.Store(), ReduceAllSum(Mul(w, Const(lr.Graph(), tc.g))), lr, 0)
			}).MustCall1(float32(1))
			have := tensors.MustCopyFlatData[float32](store.GetVariable("/w").MustValue())[0]
			if math.Abs(float64(have-tc.want)) > 1e-4 {
				t.Errorf("have %g, want %g", have, tc.want)
			}
		})
	}
}

// TestClipByLoops compares with torch.nn.utils.clip_grad_norm_ as loops in
// float64: one norm over all tensors, biases included, and one scale for all.
func TestClipByLoops(t *testing.T) {
	shapes := [][]int{{3, 4}, {5}, {2, 3, 3, 2}}
	for _, size := range []float64{0, 1e-4, 1, 1e4} {
		for _, maxNorm := range []float64{0, 1e-3, 0.5, 1e9} {
			var grads [][]float32
			var squares float64
			for i, dims := range shapes {
				g := make([]float32, product(dims))
				for k := range g {
					g[k] = float32(size * random.New(uint64(i)).Normal(uint64(k)))
					squares += float64(g[k]) * float64(g[k])
				}
				grads = append(grads, g)
			}
			scale := 1.0
			if norm := math.Sqrt(squares); maxNorm > 0 {
				scale = min(1, maxNorm/(norm+1e-6))
			}
			store := model.NewStore()
			norm := model.MustNewExec(goBackend(t), store, func(s *model.Scope, lr *Node) *Node {
				loss := ScalarZero(lr.Graph(), lr.DType())
				for i, dims := range shapes {
					w := s.VariableWithValue(fmt.Sprint(i), tensors.FromFlatDataAndDimensions(make([]float32, product(dims)), dims...))
					loss = Add(loss, ReduceAllSum(Mul(w.NodeValue(lr), Reshape(Const(lr.Graph(), grads[i]), dims...))))
				}
				return Minimize(SGD{}, s.Store(), loss, lr, maxNorm)
			}).MustCall1(float32(1)).Value().(float32)
			if want := math.Sqrt(squares); math.Abs(float64(norm)-want) > 1e-6*want {
				t.Errorf("size %g, norm at most %g: have norm %g, want %g", size, maxNorm, norm, want)
			}
			for i := range shapes {
				want := make([]float32, len(grads[i])) // the step from 0, with a learning rate of 1
				for k, g := range grads[i] {
					want[k] = float32(-scale * float64(g))
				}
				have := tensors.MustCopyFlatData[float32](store.GetVariable("/" + fmt.Sprint(i)).MustValue())
				if d := oracletest.Distance(have, want); !(d < 1e-6) {
					t.Errorf("size %g, norm at most %g, tensor %d: relative error %.2g, want below 1e-6", size, maxNorm, i, d)
				}
			}
		}
	}
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// TestResume: three steps are two, a copy of the store into another one in
// another order, and one more, bit for bit.
func TestResume(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			o, err := New(name, 0.01)
			if err != nil {
				t.Fatal(err)
			}
			run := func(store *model.Store, steps ...float32) {
				exec := model.MustNewExec(goBackend(t), store, func(s *model.Scope, x *Node) *Node {
					a := s.VariableWithValue("a", [][]float32{{1, -2}, {3, 0.5}}).NodeValue(x)
					b := s.VariableWithValue("b", []float32{0.1, 0.2}).NodeValue(x)
					c := s.VariableWithValue("c", [][]float32{{-0.7}}).NodeValue(x)
					loss := ReduceAllSum(Square(Add(Mul(Square(MulScalar(a, 0.3)), c), Mul(x, ExpandLeftToRank(b, 2)))))
					return Minimize(o, s.Store(), loss, MulScalar(x, 0.1), 0.5)
				})
				for _, x := range steps {
					exec.MustCall1(x)
				}
			}
			straight, first, second := model.NewStore(), model.NewStore(), model.NewStore()
			run(straight, 0.3, 0.7, 0.2)
			run(first, 0.3, 0.7)
			for _, v := range slices.Backward(slices.Collect(first.IterVariables())) {
				value, err := v.MustValue().LocalClone()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := second.CreateVariable(v.Path(), value); err != nil {
					t.Fatal(err)
				}
			}
			run(second, 0.2)
			for v := range straight.IterVariables() {
				have, want := fmt.Sprint(second.GetVariable(v.Path()).MustValue().Value()), fmt.Sprint(v.MustValue().Value())
				if have != want {
					t.Errorf("%s: have %s, want %s", v.Path(), have, want)
				}
			}
		})
	}
}

// TestDefaults pins the constants that everybody uses.
func TestDefaults(t *testing.T) {
	for name, want := range map[string]Optimizer{
		"adamw": AdamW{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.1},
		"lars":  LARS{Momentum: 0.9, WeightDecay: 0.1, Trust: 0.001},
		"sgd":   SGD{Momentum: 0.9, WeightDecay: 0.1},
	} {
		if have, err := New(name, 0.1); err != nil || have != want {
			t.Errorf("%s: have %+v, %v, want %+v", name, have, err, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New("adam", 0)
	if want := `choosing an optimizer: have "adam", want one of adamw, lars, sgd`; err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
}
