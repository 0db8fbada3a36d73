package layer

import (
	"github.com/gomlx/compute/dtypes"
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
	runningMean := variable(s, name+".running_mean", constant(0), channels).SetTrainable(false)
	runningVar := variable(s, name+".running_var", constant(1), channels).SetTrainable(false)

	dims := x.Shape().Dimensions
	x = Reshape(x, -1, channels) // [N, C]
	if !training {
		mean := ConvertDType(runningMean.NodeValue(x), x.DType())
		variance := ConvertDType(runningVar.NodeValue(x), x.DType())
		y := scaleShift(x, mean, variance, weight, bias)
		return Reshape(y, dims...)
	}
	mean := ReduceMean(x, 0)
	variance := ReduceMean(Square(Sub(x, row(mean))), 0)
	n := float64(x.Shape().Dim(0))
	follow(runningMean, mean)
	follow(runningVar, MulScalar(variance, n/max(n-1, 1)))
	return Reshape(scaleShift(x, mean, variance, weight, bias), dims...)
}

// scaleShift normalises x [N, C] with per-channel statistics.
func scaleShift(x, mean, variance, weight, bias *Node) *Node {
	scale := Div(weight, Sqrt(AddScalar(variance, batchNormEpsilon))) // Rsqrt has no gradient
	return Add(Mul(x, row(scale)), row(Sub(bias, Mul(mean, scale))))
}

// follow moves a running statistic towards that of the batch.
func follow(running *model.Variable, batch *Node) {
	old := running.NodeValue(batch)
	batch = ConvertDType(StopGradient(batch), dtypes.Float32)
	running.SetNodeValue(Add(MulScalar(old, 1-batchNormMomentum), MulScalar(batch, batchNormMomentum)))
}

// row makes [C] ready to be broadcast over [N, C].
func row(x *Node) *Node { return Reshape(x, 1, -1) }
