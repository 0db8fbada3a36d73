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

// BatchNorm is torch.nn.BatchNorm1d on x [B, C]: each channel gets mean 0 and
// variance 1, then name.weight times that plus name.bias. Ioffe & Szegedy, 2015,
// https://arxiv.org/abs/1502.03167.
//
// In training the statistics are those of the batch, with the biased variance,
// and name.running_mean and name.running_var, with the unbiased one, follow
// them; a layer that is used twice in a step follows twice. Otherwise the
// running statistics are used. PyTorch's num_batches_tracked is left out: it
// counts, and nothing reads it.
func BatchNorm(s *model.Scope, name string, x *Node, training bool) *Node {
	return newNorm(s, name, x, x.Shape().Dim(-1), true).rows(x, training)
}

// BatchNormPlain is BatchNorm without weight and bias (affine=False): no
// channel can be silenced.
func BatchNormPlain(s *model.Scope, name string, x *Node, training bool) *Node {
	return newNorm(s, name, x, x.Shape().Dim(-1), false).rows(x, training)
}

// norm is the variables of a batch normalisation of C channels.
type norm struct {
	weight, bias            *Node // [1, C]
	runningMean, runningVar *model.Variable
}

func newNorm(s *model.Scope, name string, like *Node, channels int, affine bool) norm {
	n := norm{
		runningMean: variable(s, name+".running_mean", constant(0), channels).SetTrainable(false),
		runningVar:  variable(s, name+".running_var", constant(1), channels).SetTrainable(false),
	}
	if affine {
		n.weight = row(parameter(s, name+".weight", like, constant(1), channels))
		n.bias = row(parameter(s, name+".bias", like, constant(0), channels))
	} else {
		shape := shapes.Make(like.DType(), 1, channels)
		n.weight, n.bias = Ones(like.Graph(), shape), Zeros(like.Graph(), shape)
	}
	return n
}

// rows normalises x [N, C]. Whatever its type, that is computed in float32 at
// least.
func (n norm) rows(x *Node, training bool) *Node {
	x.AssertRank(2)
	return ConvertDType(n.wideRows(wide(x), training), x.DType())
}

func (n norm) wideRows(x *Node, training bool) *Node {
	if !training {
		scale, shift := n.known(x.DType())
		return Add(Mul(x, spread(scale, x)), spread(shift, x))
	}
	var b *batch
	y := withGradient([]*Node{x, n.weight, n.bias},
		func(in []*Node) []*Node {
			first := Slice(in[0], AxisRange(0, 1))
			b = newBatch([]*Node{Sub(in[0], spread(first, in[0]))}, in[1])
			n.follow(first, b)
			return b.normalised(in[2])
		},
		func(dy []*Node) []*Node {
			dx, dweight, dbias := b.gradients(dy)
			return []*Node{dx[0], dweight, dbias}
		})
	return y[0]
}

// known are the scale and the shift, [1, C], that the running statistics give.
func (n norm) known(dtype dtypes.DType) (scale, shift *Node) {
	value := func(v *model.Variable) *Node { return row(ConvertDType(v.NodeValue(n.weight), dtype)) }
	scale = Div(n.weight, deviation(value(n.runningVar)))
	return scale, Sub(n.bias, Mul(value(n.runningMean), scale))
}

// follow moves the running statistics towards those of a batch that was taken
// relative to first.
func (n norm) follow(first *Node, b *batch) {
	move := func(v *model.Variable, to *Node) {
		to = ConvertDType(Reshape(StopGradient(to), -1), dtypes.Float32)
		v.SetNodeValue(Add(MulScalar(v.NodeValue(to), 1-batchNormMomentum), MulScalar(to, batchNormMomentum)))
	}
	move(n.runningMean, Add(first, b.mean))
	move(n.runningVar, MulScalar(b.variance, b.n/max(b.n-1, 1)))
}

// batch is the rows that are normalised by each other, in parts [n, C], and
// their statistics [1, C]; n is how many there are in all.
//
// The rows are relative to one of them, so that mean and variance come from one
// pass over them without loss of digits, however far from 0 a channel lies: the
// shifted algorithm of Chan, Golub & LeVeque, 1983, "Algorithms for Computing
// the Sample Variance".
type batch struct {
	rows           []*Node
	n              float64
	mean, variance *Node
	inverse, scale *Node // 1/deviation, and the layer's weight times that
}

func newBatch(rows []*Node, weight *Node) *batch {
	b := &batch{rows: rows}
	squares := make([]*Node, len(rows))
	for i, x := range rows {
		b.n += float64(x.Shape().Dim(0))
		squares[i] = Square(x)
	}
	b.mean = DivScalar(sumOfRows(rows), b.n)
	b.variance = MaxScalar(Sub(DivScalar(sumOfRows(squares), b.n), Square(b.mean)), 0)
	b.inverse = Reciprocal(deviation(b.variance))
	b.scale = Mul(weight, b.inverse)
	return b
}

// normalised are the rows with the layer's weight and bias: algorithm 1 of the
// paper.
func (b *batch) normalised(bias *Node) []*Node {
	shift := Sub(bias, Mul(b.mean, b.scale))
	y := make([]*Node, len(b.rows))
	for i, x := range b.rows {
		y[i] = Add(Mul(x, spread(b.scale, x)), spread(shift, x))
	}
	return y
}

// gradients are those of section 3 of the paper, solved for the rows: given dy,
// of what normalised returned, those of the rows, the weight and the bias.
func (b *batch) gradients(dy []*Node) (dx []*Node, dweight, dbias *Node) {
	products := make([]*Node, len(dy))
	for i := range dy {
		products[i] = Mul(dy[i], b.rows[i])
	}
	dbias = sumOfRows(dy)
	dweight = Mul(Sub(sumOfRows(products), Mul(b.mean, dbias)), b.inverse) // Σ dy · normalised x
	slope := Neg(DivScalar(Mul(Mul(b.scale, b.inverse), dweight), b.n))
	shift := Neg(Add(DivScalar(Mul(b.scale, dbias), b.n), Mul(slope, b.mean)))
	dx = make([]*Node, len(dy))
	for i, x := range b.rows {
		dx[i] = Add(Mul(dy[i], spread(b.scale, x)), Mul(x, spread(slope, x)))
		dx[i] = Add(dx[i], spread(shift, x))
	}
	return dx, dweight, dbias
}

func deviation(variance *Node) *Node { return Sqrt(AddScalar(variance, batchNormEpsilon)) }

// row makes [C] one row.
func row(x *Node) *Node { return Reshape(x, 1, -1) }

// spread repeats a row [1, C] for each row of x [N, C]. The Go backend repeats
// slowly, and multiplies fast.
func spread(row, x *Node) *Node {
	n := x.Shape().Dim(0)
	if !onGo(x) {
		return BroadcastToDims(row, n, row.Shape().Dim(1))
	}
	return MatMul(Ones(x.Graph(), shapes.Make(x.DType(), n, 1)), row)
}

// sumOfRows adds up the rows of all parts [n, C]: [1, C].
func sumOfRows(parts []*Node) *Node {
	sums := make([]*Node, len(parts))
	for i, x := range parts {
		if onGo(x) {
			sums[i] = MatMul(Ones(x.Graph(), shapes.Make(x.DType(), 1, x.Shape().Dim(0))), x)
		} else {
			sums[i] = ReduceAndKeep(x, ReduceSum, 0)
		}
	}
	return ReduceAndKeep(whole(sums), ReduceSum, 0)
}
