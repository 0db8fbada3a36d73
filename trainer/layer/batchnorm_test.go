package layer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// normStore has a batch normalisation "bn" with values that are not the first
// ones.
func normStore(t *testing.T, channels int) *model.Store {
	t.Helper()
	store := model.NewStore()
	for i, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		values := make([]float32, channels)
		for c, v := range normals(uint64(10+i), channels).values {
			values[c] = float32(v)
			if name == "running_var" {
				values[c] = float32(math.Exp(v))
			}
		}
		if _, err := store.CreateVariable("bn."+name, tensors.FromFlatDataAndDimensions(values, channels)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// normLoops normalises x [N, C] by the batch, and gives the batch's mean and
// biased variance.
func normLoops(x *array, weight, bias []float64) (y *array, mean, variance []float64) {
	n, channels := x.dims[0], x.dims[1]
	y, mean, variance = newArray(n, channels), make([]float64, channels), make([]float64, channels)
	for c := range channels {
		for i := range n {
			mean[c] += *x.at(i, c) / float64(n)
		}
		for i := range n {
			d := *x.at(i, c) - mean[c]
			variance[c] += d * d / float64(n)
		}
		for i := range n {
			*y.at(i, c) = (*x.at(i, c)-mean[c])/math.Sqrt(variance[c]+1e-5)*weight[c] + bias[c]
		}
	}
	return y, mean, variance
}

func TestBatchNorm(t *testing.T) {
	for _, dims := range [][]int{{6, 3}, {30, 4}, {2, 4}, {5, 70}} {
		t.Run(fmt.Sprint(dims), func(t *testing.T) {
			channels := dims[1]
			x := normals(1, dims...)
			for i := range x.values {
				x.values[i] = 3 + 2*x.values[i]
			}
			store := normStore(t, channels)
			weight, bias := flat(t, value(t, store, "bn.weight")), flat(t, value(t, store, "bn.bias"))
			runningMean, runningVar := flat(t, value(t, store, "bn.running_mean")), flat(t, value(t, store, "bn.running_var"))

			y, mean, variance := normLoops(x, weight, bias)
			n := float64(dims[0])
			wantMean, wantVar, inference := newArray(channels), newArray(channels), newArray(dims...)
			for c := range channels {
				wantMean.values[c] = 0.9*runningMean[c] + 0.1*mean[c]
				wantVar.values[c] = 0.9*runningVar[c] + 0.1*variance[c]*n/(n-1)
			}
			for i := range x.values {
				c := i % channels
				inference.values[i] = (x.values[i]-wantMean.values[c])/math.Sqrt(wantVar.values[c]+1e-5)*weight[c] + bias[c]
			}

			norm := func(training bool) *tensors.Tensor {
				return run(t, store, func(s *model.Scope, in []*Node) []*Node {
					return []*Node{BatchNorm(s, "bn", in[0], training)}
				}, x.tensor())[0]
			}
			compare(t, "training", norm(true), y, 1e-6)
			compare(t, "running mean", value(t, store, "bn.running_mean"), wantMean, 1e-6)
			compare(t, "running variance", value(t, store, "bn.running_var"), wantVar, 1e-6)
			compare(t, "inference", norm(false), inference, 1e-6)
			compare(t, "running mean after inference", value(t, store, "bn.running_mean"), wantMean, 1e-6)
		})
	}
}

// TestBatchNormGradient compares the gradients with finite differences of the
// loops.
func TestBatchNormGradient(t *testing.T) {
	const n, channels = 7, 3
	x, dy := normals(1, n, channels), normals(2, n, channels)
	store := normStore(t, channels)
	weight, bias := flat(t, value(t, store, "bn.weight")), flat(t, value(t, store, "bn.bias"))
	have := run(t, store, func(s *model.Scope, in []*Node) []*Node {
		y := BatchNorm(s, "bn", in[0], true)
		loss := ReduceAllSum(Mul(y, in[1]))
		return Gradient(loss, in[0], s.GetVariable("bn.weight").NodeValue(loss), s.GetVariable("bn.bias").NodeValue(loss))
	}, x.tensor(), dy.tensor())

	loss := func() float64 {
		y, _, _ := normLoops(x, weight, bias)
		return dot(y, dy)
	}
	compare(t, "gradient of x", have[0], differences(x, loss), 1e-6)
	compare(t, "gradient of the weight", have[1], differences(&array{[]int{channels}, weight}, loss), 1e-6)
	compare(t, "gradient of the bias", have[2], differences(&array{[]int{channels}, bias}, loss), 1e-6)
}

// dot is Σ a·b.
func dot(a, b *array) (sum float64) {
	for i, v := range a.values {
		sum += v * b.values[i]
	}
	return sum
}

// differences is the gradient of a loss with respect to x, by central
// differences.
func differences(x *array, loss func() float64) *array {
	const h = 1e-5
	out := newArray(x.dims...)
	for i, old := range x.values {
		x.values[i] = old + h
		up := loss()
		x.values[i] = old - h
		out.values[i] = (up - loss()) / (2 * h)
		x.values[i] = old
	}
	return out
}

// TestConvNorm holds the convolution with its normalisation against loops, with
// the gradients, in one part and in three.
func TestConvNorm(t *testing.T) {
	const in, out, batch = 2, 3, 5
	w := Window{3, 2, 1}
	x, weight := normals(1, batch, 6, 5, in), normals(2, out, in, w.Kernel, w.Kernel)
	dy := normals(3, batch, w.places(6), w.places(5), out)
	for _, size := range []int{batch, 2} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			store := normStore(t, out)
			single := make([]float32, len(weight.values))
			for i, v := range weight.values {
				single[i] = float32(v)
				weight.values[i] = float64(single[i])
			}
			if _, err := store.CreateVariable("conv.weight", tensors.FromFlatDataAndDimensions(single, weight.dims...)); err != nil {
				t.Fatal(err)
			}
			values := func(name string) *array { return &array{[]int{out}, flat(t, value(t, store, name))} }
			scale, bias := values("bn.weight"), values("bn.bias")
			runningMean, runningVar := values("bn.running_mean"), values("bn.running_var")

			convolved := func() *array {
				y, _, _ := convLoops(x, weight, dy, w)
				return &array{[]int{len(y.values) / out, out}, y.values}
			}
			normalised := func() (y *array, mean, variance []float64) {
				y, mean, variance = normLoops(convolved(), scale.values, bias.values)
				y.dims = dy.dims
				return y, mean, variance
			}
			loss := func() float64 {
				y, _, _ := normalised()
				return dot(y, dy)
			}
			y, mean, variance := normalised()
			n := float64(len(y.values) / out)
			for c := range out {
				runningMean.values[c] = 0.9*runningMean.values[c] + 0.1*mean[c]
				runningVar.values[c] = 0.9*runningVar.values[c] + 0.1*variance[c]*n/(n-1)
			}
			inference := convolved()
			inference.dims = dy.dims
			for i, v := range inference.values {
				c := i % out
				inference.values[i] = (v-runningMean.values[c])/math.Sqrt(runningVar.values[c]+1e-5)*scale.values[c] + bias.values[c]
			}

			have := run(t, store, func(s *model.Scope, in []*Node) []*Node {
				y := ConvNorm(s, "conv", "bn", cut(in[0], size), out, w, true).Whole()
				of := []*Node{in[0]}
				for _, name := range []string{"conv.weight", "bn.weight", "bn.bias"} {
					of = append(of, s.GetVariable(name).NodeValue(y))
				}
				return append(Gradient(ReduceAllSum(Mul(y, in[1])), of...), y)
			}, x.tensor(), dy.tensor())
			compare(t, "gradient of x", have[0], differences(x, loss), 1e-6)
			compare(t, "gradient of the kernels", have[1], differences(weight, loss), 1e-6)
			compare(t, "gradient of the weight", have[2], differences(scale, loss), 1e-6)
			compare(t, "gradient of the bias", have[3], differences(bias, loss), 1e-6)
			compare(t, "y", have[4], y, 1e-6)
			compare(t, "running mean", value(t, store, "bn.running_mean"), runningMean, 1e-6)
			compare(t, "running variance", value(t, store, "bn.running_var"), runningVar, 1e-6)
			have = run(t, store, func(s *model.Scope, in []*Node) []*Node {
				return []*Node{ConvNorm(s, "conv", "bn", cut(in[0], size), out, w, false).Whole()}
			}, x.tensor())
			compare(t, "inference", have[0], inference, 1e-6)
		})
	}
}

// TestBatchNormTwice: like PyTorch's, a layer that is used twice in a step
// moves its running statistics twice.
func TestBatchNormTwice(t *testing.T) {
	const channels = 2
	store := normStore(t, channels)
	old := flat(t, value(t, store, "bn.running_mean"))
	a, b := normals(1, 4, channels), normals(2, 4, channels)
	run(t, store, func(s *model.Scope, in []*Node) []*Node {
		return []*Node{BatchNorm(s, "bn", in[0], true), BatchNorm(s, "bn", in[1], true)}
	}, a.tensor(), b.tensor())
	_, meanA, _ := normLoops(a, old, old)
	_, meanB, _ := normLoops(b, old, old)
	want := newArray(channels)
	for c := range channels {
		want.values[c] = 0.9*(0.9*old[c]+0.1*meanA[c]) + 0.1*meanB[c]
	}
	compare(t, "running mean", value(t, store, "bn.running_mean"), want, 1e-6)
}

// TestBatchNormFarFromZero: a channel whose mean is large against its spread
// keeps its precision.
func TestBatchNormFarFromZero(t *testing.T) {
	const n = 1000
	store := model.NewStore()
	SetSeed(store, 1)
	x := normals(1, n, 1)
	values := make([]float32, n)
	for i, v := range x.values {
		values[i] = float32(v + 1000)
		x.values[i] = float64(values[i])
	}
	have := run(t, store, func(s *model.Scope, in []*Node) []*Node {
		return []*Node{BatchNorm(s, "bn", in[0], true)}
	}, tensors.FromFlatDataAndDimensions(values, n, 1))
	want, _, _ := normLoops(x, []float64{1}, []float64{0})
	compare(t, "y", have[0], want, 1e-3)
}

func TestReLU(t *testing.T) {
	x, dy := &array{[]int{4}, []float64{-2, 0, 3, 1e-30}}, &array{[]int{4}, []float64{5, 6, 7, 8}}
	have := run(t, model.NewStore(), func(_ *model.Scope, in []*Node) []*Node {
		y := ReLU(in[0])
		return append(Gradient(ReduceAllSum(Mul(y, in[1])), in[0]), y)
	}, x.tensor(), dy.tensor())
	compare(t, "y", have[1], &array{[]int{4}, []float64{0, 0, 3, 1e-30}}, 0)
	compare(t, "gradient", have[0], &array{[]int{4}, []float64{0, 0, 7, 8}}, 0)
}

// TestBatchNormPlain: it is batch normalisation with a weight of 1 and a bias of
// 0, and has neither as a variable.
func TestBatchNormPlain(t *testing.T) {
	x := normals(1, 6, 3)
	for _, training := range []bool{true, false} {
		outcome := func(norm func(s *model.Scope, name string, x *Node, training bool) *Node) (y, dx *tensors.Tensor, store *model.Store) {
			store = model.NewStore()
			SetSeed(store, 1)
			out := run(t, store, func(s *model.Scope, in []*Node) []*Node {
				y := norm(s, "bn", in[0], training)
				return []*Node{y, Gradient(ReduceAllSum(Mul(y, Square(y))), in[0])[0]}
			}, x.tensor())
			return out[0], out[1], store
		}
		y, dx, store := outcome(BatchNormPlain)
		wantY, wantDx, _ := outcome(BatchNorm)
		compare(t, "y", y, &array{[]int{6, 3}, flat(t, wantY)}, 0)
		compare(t, "dx", dx, &array{[]int{6, 3}, flat(t, wantDx)}, 0)
		var names []string
		for v := range store.IterVariables() {
			names = append(names, v.Name())
		}
		slices.Sort(names)
		if want := []string{"bn.running_mean", "bn.running_var"}; !slices.Equal(names, want) {
			t.Errorf("have variables %v, want %v", names, want)
		}
	}
}
