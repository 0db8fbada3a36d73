package method

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// What the methods have in common that tell the images of a batch apart: each
// row has to find some of the others, its positives, among all others.

// similarities are the cosines of the angles between the rows of z [n, d],
// divided by the temperature: [n, n].
func similarities(z *Node, temperature float64) *Node {
	z = normalize(z)
	return DivScalar(MatMul(z, Transpose(z, 0, 1)), temperature)
}

// infoNCE is the mean cross entropy of finding the positives P(i), bool [n, n],
// of each row i by its similarities s [n, n] to all others:
//
//	1/n Σᵢ −1/|P(i)| Σ_p∈P(i) ln exp(sᵢₚ) / Σⱼ≠ᵢ exp(sᵢⱼ)
//
// With one positive, the other view of an image, it is NT-Xent (Chen et al.,
// 2020, equation 1, averaged over all rows); with all views of its class it is
// L_out (Khosla et al., 2020, equation 2). Every row needs a positive.
func infoNCE(similarity, positive *Node) *Node {
	never := Infinity(similarity.Graph(), similarity.DType(), -1)
	others := Where(itself(similarity), never, similarity)
	return ReduceAllMean(Sub(logSumExp(others), likeness(similarity, positive)))
}

// likeness is the mean similarity of each row to its positives.
func likeness(similarity, positive *Node) *Node {
	sum := ReduceSum(Where(positive, similarity, ZerosLike(similarity)), 1)
	return Div(sum, ReduceSum(ConvertDType(positive, similarity.DType()), 1))
}

// nearest is the share of rows that are more similar to one of their positives
// than to any other row.
func nearest(similarity, positive *Node) *Node {
	never := Infinity(similarity.Graph(), similarity.DType(), -1)
	right := ReduceMax(Where(positive, similarity, never), 1)
	wrong := ReduceMax(Where(LogicalOr(positive, itself(similarity)), never, similarity), 1)
	return ReduceAllMean(ConvertDType(GreaterThan(right, wrong), similarity.DType()))
}

// itself tells which places of x [n, n] are on the diagonal.
func itself(x *Node) *Node { return Equal(places(x, 0), places(x, 1)) }

// partners tells which rows of x [n, n] are the two views of one image.
func partners(x *Node) *Node {
	half := x.Shape().Dim(0) / 2
	return Equal(Abs(Sub(places(x, 0), places(x, 1))), ConstAs(places(x, 0), half))
}

// places are the numbers of the rows, or of the columns, of x [n, n].
func places(x *Node, axis int) *Node {
	return Iota(x.Graph(), shapes.Make(dtypes.Int32, x.Shape().Dimensions...), axis)
}

// logSumExp is ln Σⱼ exp(xᵢⱼ) of every row i, without overflow.
func logSumExp(x *Node) *Node {
	largest := StopGradient(ReduceAndKeep(x, ReduceMax, 1))
	return Add(Log(ReduceSum(Exp(Sub(x, largest)), 1)), Squeeze(largest, 1))
}
