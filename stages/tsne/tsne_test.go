package tsne

import (
	"math"
	"slices"
	"testing"

	"selfstream/stages/geometry"
	"selfstream/stages/random"
)

const dim = 16

// clusters are points about as many centres: [n, dim], point i about centre i
// modulo them.
func clusters(n, centres int, spread float64) []float32 {
	key := random.New(7)
	x := make([]float32, n*dim)
	for i := range x {
		centre := key.Fold(1).Normal(uint64(i/dim%centres*dim + i%dim))
		x[i] = float32(centre + spread*key.Fold(2).Normal(uint64(i)))
	}
	return x
}

func layOut(x []float32) []float32 {
	n := len(x) / dim
	start, _ := geometry.Map(x, n, dim)
	return Map(x, n, dim, start)
}

// divergence is what the descent goes down: Σ p log(p/q) over all ordered pairs.
func (l *layout) divergence() (sum float64) {
	total := l.weigh()
	for i := range l.n {
		for j, w := range l.w[i*l.n : i*l.n+i] {
			if p := l.p[i*l.n+j]; p > 0 {
				sum += 2 * p * math.Log(p*total/w)
			}
		}
	}
	return sum
}

// TestSlope holds the gradient against finite differences of the divergence.
func TestSlope(t *testing.T) {
	const n, h = 20, 1e-5
	key := random.New(3)
	y := make([]float64, 2*n)
	for i := range y {
		y[i] = 2 * key.Normal(uint64(i))
	}
	l := newLayout(affinities(clusters(n, 3, 0.5), n, dim, 5), y)
	l.descend()
	for i, have := range slices.Clone(l.slope) {
		at := l.y[i]
		l.y[i] = at + h
		above := l.divergence()
		l.y[i] = at - h
		below := l.divergence()
		l.y[i] = at
		if want := (above - below) / (2 * h); math.Abs(have-want) > 1e-8 {
			t.Errorf("coordinate %d: have %g, want %g", i, have, want)
		}
	}
}

// TestAffinities: each point has as many neighbours as asked for, and all
// probabilities are those of one distribution.
func TestAffinities(t *testing.T) {
	const n = 60
	x := clusters(n, 3, 0.5)
	distances, p := make([]float64, n), make([]float64, n)
	for i := range n {
		for j := range n {
			distances[j] = squared(x[i*dim:(i+1)*dim], x[j*dim:(j+1)*dim])
		}
		conditional(p, distances, i, 12)
		var sum, entropy float64
		for _, v := range p {
			sum += v
			if v > 0 {
				entropy -= v * math.Log(v)
			}
		}
		if math.Abs(sum-1) > 1e-12 || math.Abs(math.Exp(entropy)-12) > 1e-4 || p[i] != 0 {
			t.Errorf("point %d: have sum %g, perplexity %g and itself %g, want 1, 12 and 0", i, sum, math.Exp(entropy), p[i])
		}
	}
	all := affinities(x, n, dim, 12)
	var sum float64
	for i := range all {
		sum += all[i]
		if all[i] != all[i%n*n+i/n] {
			t.Fatalf("have p[%d] %g and its mirror image %g, want them equal", i, all[i], all[i%n*n+i/n])
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("have a sum of %g, want 1", sum)
	}
}

// TestClustersComeApart: ten clusters of which the two principal components show
// a heap are ten heaps on the map, each point nearer to all of its own than to
// any other; and twice the same is the same to the bit.
func TestClustersComeApart(t *testing.T) {
	const n, centres = 200, 10
	x := clusters(n, centres, 0.3)
	places := layOut(x)
	for i := range n {
		own, other := 0., math.Inf(1)
		for j := range n {
			distance := squared(places[2*i:2*i+2], places[2*j:2*j+2])
			if i%centres == j%centres {
				own = max(own, distance)
			} else {
				other = min(other, distance)
			}
		}
		if own >= other {
			t.Errorf("point %d: its cluster reaches as far as %g, and another one begins at %g", i, math.Sqrt(own), math.Sqrt(other))
		}
	}
	if !slices.Equal(places, layOut(x)) {
		t.Error("the same points give two maps")
	}
}

// TestDescends: the map is far better than the heap that it begins with, however
// few the points are and however little there is to see.
func TestDescends(t *testing.T) {
	for _, n := range []int{12, 30, 100} {
		for _, spread := range []float64{0.3, 1, 3} {
			x := clusters(n, 10, spread)
			places := layOut(x)
			y := make([]float64, 2*n)
			p := affinities(x, n, dim, Perplexity(n))
			heap := newLayout(p, slices.Clone(y)).divergence()
			for i, v := range places {
				y[i] = float64(v)
			}
			if have := newLayout(p, y).divergence(); have > 0.7*heap {
				t.Errorf("%d points, spread %g: have a divergence of %.3f, want less than 0.7 of a heap's %.3f", n, spread, have, heap)
			}
		}
	}
}

// TestFew: whatever the points are, their places are numbers.
func TestFew(t *testing.T) {
	collapsed := make([]float32, 50*dim)
	for i := range collapsed {
		collapsed[i] = float32(i % dim)
	}
	twins := clusters(100, 2, 0) // fifty times each: more than the perplexity
	broken := clusters(5, 5, 1)
	broken[7] = float32(math.NaN())
	endless := clusters(5, 5, 1)
	endless[7] = float32(math.Inf(-1))
	for name, x := range map[string][]float32{
		"one": clusters(1, 1, 1), "two": clusters(2, 2, 1), "three": clusters(3, 3, 1), "five": clusters(5, 5, 1),
		"all the same": collapsed, "twins": twins, "no number": broken, "an infinite one": endless,
	} {
		places := layOut(x)
		if len(places) != len(x)/dim*2 {
			t.Errorf("%s: have %d numbers for %d points", name, len(places), len(x)/dim)
		}
		for _, v := range places {
			if v-v != 0 {
				t.Errorf("%s: have %v, want numbers", name, places)
				break
			}
		}
	}
}

func BenchmarkMap(b *testing.B) {
	x := clusters(400, 10, 0.5)
	start, _ := geometry.Map(x, 400, dim)
	for b.Loop() {
		Map(x, 400, dim, start)
	}
}
