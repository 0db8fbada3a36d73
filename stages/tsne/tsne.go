// Package tsne lays some hundreds of points of many dimensions out in a plane,
// so that those that are near each other stay near: t-SNE, computed exactly.
//
// van der Maaten and Hinton, 2008, "Visualizing Data using t-SNE",
// https://jmlr.org/papers/v9/vandermaaten08a.html; the equations are theirs.
// docs/adr/0013 says why it is not a library.
package tsne

import "math"

const (
	perplexity = 30.  // neighbours that count, about; of few points, a third of them
	steps      = 500  // of the descent
	early      = 100  // of them, with less momentum
	startScale = 1e-4 // standard deviation of the first coordinate before the first step
)

// Perplexity is the effective number of neighbours that each of n points has:
// 30, or a third of the others where these are few.
func Perplexity(n int) float64 { return max(1, min(perplexity, float64(n-1)/3)) }

// Map lays out the n rows of x, [n, d], beginning from start, [n, 2], of which
// the scale does not matter: [n, 2] again, with mean 0. Distances on the map
// mean nothing but who lies near whom. All are 0 where a number is not finite.
//
// It takes n² time and draws nothing at random: the same points from the same
// start give the same bits on processors of the same kind. Beginning from
// principal components keeps what they show of the whole (Kobak and Berens, 2019,
// https://doi.org/10.1038/s41467-019-13056-x).
//
// Unlike the paper there is no early exaggeration. With as few points as this,
// each has most others of its surroundings for neighbours, and affinities times 4
// or 12 pull all of them into one point, from which they do not come out again.
func Map(x []float32, n, d int, start []float32) []float32 {
	for _, v := range x {
		if v-v != 0 { // NaN or infinite
			return make([]float32, 2*n)
		}
	}
	l := newLayout(affinities(x, n, d, Perplexity(n)), scaled(start))
	for i := range steps {
		if i < early {
			l.step(0.5)
		} else {
			l.step(0.8)
		}
	}
	return l.places()
}

// scaled is the start of the descent: small, so that points can still pass each
// other.
func scaled(start []float32) []float64 {
	var mean, square float64
	n := float64(len(start) / 2)
	for i := 0; i < len(start); i += 2 {
		mean += float64(start[i]) / n
		square += float64(start[i]) * float64(start[i]) / n
	}
	y := make([]float64, len(start))
	if std := math.Sqrt(max(0, square-mean*mean)); std > 0 {
		for i, v := range start {
			y[i] = float64(v) * startScale / std
		}
	}
	return y
}

// layout is a map on its way: gradient descent on the divergence of the
// Student-t affinities on the map from those of the points.
type layout struct {
	n        int
	p        []float64 // [n, n]: affinities of the points
	y        []float64 // [n, 2]: where they are on the map
	velocity []float64 // [n, 2]
	gain     []float64 // [n, 2]: of the learning rate, for each coordinate
	slope    []float64 // [n, 2]: of the divergence
	w        []float64 // [n, n] below the diagonal: affinities on the map, not normalised
}

func newLayout(p, y []float64) *layout {
	n := len(y) / 2
	l := &layout{n: n, p: p, y: y, velocity: make([]float64, 2*n), gain: make([]float64, 2*n), slope: make([]float64, 2*n), w: make([]float64, n*n)}
	for i := range l.gain {
		l.gain[i] = 1
	}
	return l
}

// step moves the points downhill. A coordinate whose slope keeps its sign goes
// faster and faster (Jacobs, 1988, as in the paper). The learning rate grows with
// n, as the p_ij shrink with it: n/12 is from Belkina et al., 2019,
// https://doi.org/10.1038/s41467-019-13055-y.
func (l *layout) step(momentum float64) {
	rate := float64(l.n) / 12
	l.descend()
	for i, slope := range l.slope {
		if (slope > 0) == (l.velocity[i] > 0) {
			l.gain[i] = max(0.8*l.gain[i], 0.01)
		} else {
			l.gain[i] += 0.2
		}
		l.velocity[i] = momentum*l.velocity[i] - rate*l.gain[i]*slope
		l.y[i] += l.velocity[i]
	}
}

// descend finds the slope of the divergence, equation 5.
func (l *layout) descend() {
	share := 1 / l.weigh()
	clear(l.slope)
	for i := range l.n {
		xi, yi := l.y[2*i], l.y[2*i+1]
		p := l.p[i*l.n : i*l.n+i]
		var sx, sy float64
		for j, w := range l.w[i*l.n : i*l.n+i] {
			f := 4 * (p[j] - w*share) * w
			fx, fy := f*(xi-l.y[2*j]), f*(yi-l.y[2*j+1])
			sx, sy = sx+fx, sy+fy
			l.slope[2*j] -= fx
			l.slope[2*j+1] -= fy
		}
		l.slope[2*i] += sx
		l.slope[2*i+1] += sy
	}
}

// weigh finds the affinities on the map, equation 4 before the division, and
// their sum over all ordered pairs.
func (l *layout) weigh() (total float64) {
	for i := range l.n {
		xi, yi := l.y[2*i], l.y[2*i+1]
		row := l.w[i*l.n : i*l.n+i]
		for j := range row {
			dx, dy := xi-l.y[2*j], yi-l.y[2*j+1]
			row[j] = 1 / (1 + dx*dx + dy*dy)
			total += 2 * row[j]
		}
	}
	return total
}

func (l *layout) places() []float32 {
	var mean [2]float64
	for i, v := range l.y {
		mean[i%2] += v / float64(l.n)
	}
	places := make([]float32, len(l.y))
	for i, v := range l.y {
		places[i] = float32(v - mean[i%2])
	}
	return places
}
