package layer

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Maps are the feature maps of a batch, [B, H, W, C], in parts along B. On the Go
// backend they are small, so that its cores work on one each, and what a layer
// leaves is still in their caches for the next; elsewhere there is one.
type Maps []*Node

// A batch has four parts, unless they had fewer or more pixels than that: of
// 64×64, four to thirty-two images. Small ones take more time to begin than to
// compute, large ones do not fit into caches.
const (
	partsOfBatch  = 4
	minPartPixels = 1 << 14
	maxPartPixels = 1 << 17
)

// Cut makes parts of images [B, H, W, C]. How many depends on the shape alone,
// and so does every sum over them: never on the machine.
func Cut(images *Node) Maps {
	images.AssertRank(4)
	batch, pixels := images.Shape().Dim(0), images.Shape().Dim(1)*images.Shape().Dim(2)
	size := ceilDiv(batch, partsOfBatch)
	size = max(1, minPartPixels/pixels, min(size, maxPartPixels/pixels))
	if !onGo(images) || size >= batch {
		return Maps{images}
	}
	return cut(images, size)
}

// cut makes parts of that many images; the last one has the rest.
func cut(images *Node, size int) Maps {
	dims := images.Shape().Dimensions
	flat := Reshape(images, dims[0], -1)
	// The Go backend copies one number after the other, whatever their size.
	bytes := images.DType() == dtypes.Uint8 && flat.Shape().Dim(1)%8 == 0
	if bytes {
		flat = Bitcast(Reshape(flat, dims[0], -1, 8), dtypes.Uint64)
	}
	var parts Maps
	for first := 0; first < dims[0]; first += size {
		last := min(first+size, dims[0])
		part := Slice(flat, AxisRange(first, last))
		if bytes {
			part = Bitcast(part, dtypes.Uint8)
		}
		parts = append(parts, Reshape(part, last-first, dims[1], dims[2], dims[3]))
	}
	return parts
}

// Whole is the batch in one piece.
func (m Maps) Whole() *Node { return wide(whole(m)) }

// whole lays parts one after the other along their first axis.
func whole(parts []*Node) *Node {
	if len(parts) == 1 {
		return parts[0]
	}
	return Concatenate(parts, 0)
}

// Channels is C.
func (m Maps) Channels() int { return m[0].Shape().Dim(3) }

// each makes a layer of what is done to every part by itself.
func (m Maps) each(f func(x *Node) *Node) Maps {
	out := make(Maps, len(m))
	for i, x := range m {
		out[i] = f(x)
	}
	return out
}

// ReLU is max(x, 0).
func (m Maps) ReLU() Maps { return m.each(ReLU) }

// Add is m + o.
func (m Maps) Add(o Maps) Maps {
	sums := make(Maps, len(m))
	for i := range m {
		sums[i] = Add(m[i], o[i])
	}
	return sums
}

// MaxPool is torch.nn.MaxPool2d.
func (m Maps) MaxPool(w Window) Maps {
	return m.each(func(x *Node) *Node { return MaxPool2D(x, w) })
}

// Average is the average over each image: [B, C].
func (m Maps) Average() *Node { return whole(m.each(GlobalAveragePool)) }
