package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// PyTorch's defaults.
const (
	batchNormEpsilon  = 1e-5
	batchNormMomentum = 0.1 // weight of the newest batch in the running statistics
)

// BatchNorm is torch.nn.BatchNorm2d on x [B, H, W, C] and BatchNorm1d on
// x [B, C]: each channel gets mean 0 and variance 1, then name.weight times
// that plus name.bias. Ioffe & Szegedy, 2015, https://arxiv.org/abs/1502.03167.
//
// In training the statistics are those of the batch, with the biased variance,
// and name.running_mean and name.running_var, with the unbiased one, follow
// them; a layer that is used twice in a step follows twice. Otherwise the
// running statistics are used. PyTorch's num_batches_tracked is left out: it
// counts, and nothing reads it.
func BatchNorm(s *model.Scope, name string, x *Node, training bool) *Node {
	channels := x.Shape().Dim(-1)
	weight := parameter(s, name+".weight", x, constant(1), channels)
	bias := parameter(s, name+".bias", x, constant(0), channels)
	return batchNorm(s, name, x, weight, bias, training)
}

// BatchNormPlain is BatchNorm without weight and bias (affine=False): no
// channel can be silenced.
func BatchNormPlain(s *model.Scope, name string, x *Node, training bool) *Node {
	channels := shapes.Make(x.DType(), x.Shape().Dim(-1))
	return batchNorm(s, name, x, Ones(x.Graph(), channels), Zeros(x.Graph(), channels), training)
}

func batchNorm(s *model.Scope, name string, x, weight, bias *Node, training bool) *Node {
	dims := x.Shape().Dimensions
	channels := dims[len(dims)-1]
	runningMean := variable(s, name+".running_mean", constant(0), channels).SetTrainable(false)
	runningVar := variable(s, name+".running_var", constant(1), channels).SetTrainable(false)

	x, weight, bias = Reshape(x, -1, channels), row(weight), row(bias)
	var y *Node
	if training {
		var mean, variance *Node
		y, mean, variance = normaliseByBatch(x, weight, bias)
		n := float64(x.Shape().Dim(0))
		follow(runningMean, mean)
		follow(runningVar, MulScalar(variance, n/max(n-1, 1)))
	} else {
		mean := row(ConvertDType(runningMean.NodeValue(x), x.DType()))
		variance := row(ConvertDType(runningVar.NodeValue(x), x.DType()))
		scale := Div(weight, deviation(variance))
		y = combine(Sub(bias, Mul(mean, scale)), term{x, scale})
	}
	return Reshape(y, dims...)
}

// normaliseByBatch is algorithm 1 of the paper on x [N, C]; everything else is
// [1, C]. Its gradient is that of the paper's section 3, solved for x.
func normaliseByBatch(x, weight, bias *Node) (y, mean, variance *Node) {
	var centred, inverse *Node
	y = withGradient([]*Node{x, weight, bias},
		func(in []*Node) *Node {
			mean = meanOfRows(in[0])
			centred = combine(Neg(mean), term{in[0], OnesLike(mean)})
			variance = meanOfRows(Square(centred))
			inverse = Reciprocal(deviation(variance))
			return combine(in[2], term{centred, Mul(in[1], inverse)})
		},
		func(_, dy *Node) []*Node {
			n := float64(x.Shape().Dim(0))
			meanDy := meanOfRows(dy)
			dot := Mul(meanOfRows(Mul(dy, centred)), inverse) // mean of dy · normalised x
			scale := Mul(weight, inverse)
			dx := combine(Neg(Mul(scale, meanDy)),
				term{dy, scale},
				term{centred, Neg(Mul(Mul(scale, dot), inverse))})
			return []*Node{dx, MulScalar(dot, n), MulScalar(meanDy, n)}
		})
	return y, mean, variance
}

func deviation(variance *Node) *Node { return Sqrt(AddScalar(variance, batchNormEpsilon)) }

// follow moves a running statistic towards that of the batch.
func follow(running *model.Variable, batch *Node) {
	old := running.NodeValue(batch)
	batch = ConvertDType(Reshape(StopGradient(batch), -1), dtypes.Float32)
	running.SetNodeValue(Add(MulScalar(old, 1-batchNormMomentum), MulScalar(batch, batchNormMomentum)))
}

// row makes [C] one row, ready to be broadcast over [N, C].
func row(x *Node) *Node { return Reshape(x, 1, -1) }

// meanOfRows averages x [N, C] over its rows: [1, C].
func meanOfRows(x *Node) *Node {
	n := x.Shape().Dim(0)
	if !onGo(x) {
		return ReduceAndKeep(x, ReduceMean, 0)
	}
	return DivScalar(MatMul(Ones(x.Graph(), shapes.Make(x.DType(), 1, n)), x), float64(n))
}

// term is x [N, C] times scale [1, C].
type term struct{ x, scale *Node }

// combine sums the terms and shift [1, C]: [N, C].
func combine(shift *Node, terms ...term) *Node {
	// The Go backend broadcasts slowly. For few channels the product
	// [x … 1] · [diag(scale) … shift] is faster, for all its zeros.
	if channels := shift.Shape().Dim(1); onGo(shift) && channels <= 64 {
		return combineByProduct(shift, terms)
	}
	sum := Mul(terms[0].x, terms[0].scale)
	for _, t := range terms[1:] {
		sum = Add(sum, Mul(t.x, t.scale))
	}
	return Add(sum, shift)
}

func combineByProduct(shift *Node, terms []term) *Node {
	g, dtype, channels := shift.Graph(), shift.DType(), shift.Shape().Dim(1)
	identity := ConvertDType(Diagonal(g, channels), dtype)
	var left, right []*Node
	for _, t := range terms {
		left, right = append(left, t.x), append(right, Mul(identity, t.scale))
	}
	ones := Ones(g, shapes.Make(dtype, terms[0].x.Shape().Dim(0), 1))
	return MatMul(Concatenate(append(left, ones), 1), Concatenate(append(right, shift), 0))
}
