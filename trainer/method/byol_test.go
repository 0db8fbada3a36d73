package method

import (
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"selfstream/stages/oracletest"
)

// TestOracleBYOL: the oracle averages the two directions, the paper adds them.
func TestOracleBYOL(t *testing.T) {
	oracletest.Each(t, "byol_*", func(t *testing.T, c oracletest.Case) {
		compare(t, c, func(in []*Node) *Node {
			return DivScalar(bootstrap(in[0], in[1], in[2], in[3]), 2)
		}, "p0", "p1", "z0", "z1")
	})
}

func TestRegressionByHand(t *testing.T) {
	a, b := golden()
	x := [][]float32{{1, 2, 3}, {-1, 0, 5}}
	for _, tc := range []struct {
		name string
		p, z [][]float32
		want float64
	}{
		{"golden", a, b, 1.2316821637},
		{"the same", x, x, 0},
		{"lengths do not matter", x, affine(x, 7, 0), 0},
		{"opposite", x, affine(x, -1, 0), 4},
		{"right angles", [][]float32{{1, 0}}, [][]float32{{0, 3}}, 2},
		{"nothing", [][]float32{{0, 0}}, [][]float32{{0, 3}}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, grads := gradients(t, func(in []*Node) *Node { return regression(in[0], in[1]) }, tc.p, tc.z)
			if err := near(have, tc.want, 1e-6); err != nil {
				t.Error(err)
			}
			if err := finite(grads); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBootstrapCrosses: each prediction is held against the other view.
func TestBootstrapCrosses(t *testing.T) {
	x, y := [][]float32{{1, 0}}, [][]float32{{0, 1}}
	for _, tc := range []struct {
		name           string
		p0, p1, z0, z1 [][]float32
		want           float64
	}{
		{"predicts the other view", x, y, y, x, 0},
		{"predicts its own view", x, y, x, y, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			have, _ := gradients(t, func(in []*Node) *Node { return bootstrap(in[0], in[1], in[2], in[3]) }, tc.p0, tc.p1, tc.z0, tc.z1)
			if err := near(have, tc.want, 1e-6); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTargetSeesTheOtherView: of the views X and Y, the loss is
// r(X, Y) + r(Y, X), where r(A, B) predicts B from A. If the target saw the same
// view it were r(X, X) + r(Y, Y), which the views X, X and Y, Y give away.
func TestTargetSeesTheOtherView(t *testing.T) {
	s := newStudent(t, goBackend(t), &BYOL{Momentum: 1, Hidden: 32, Dim: 16, views: asymmetric{Crop: 0.2}})
	s.lr = 0 // like the momentum: so that the weights stay as they are
	loss := func(first, second int) float64 {
		in := s.inputs(0)
		in[4], in[5] = images(first), images(second)
		out, err := s.exec.Call(in...)
		if err != nil {
			t.Fatal(err)
		}
		return float64(tensors.ToScalar[float32](out[0]))
	}
	xy, yx, same := loss(0, 1), loss(1, 0), (loss(0, 0)+loss(1, 1))/2
	if err := near(xy, yx, 1e-5); err != nil {
		t.Errorf("views swapped: %v", err)
	}
	if !(xy > same+0.01) {
		t.Errorf("have a loss of %g for different views and of %g for equal ones, want more", xy, same)
	}
}

// TestTargetMovesByMomentumOnly: neither gradients nor weight decay move the
// target network. With momentum 1 it stays, with 0 it is the online network
// after its step; its running statistics are its own in any case.
func TestTargetMovesByMomentumOnly(t *testing.T) {
	for _, momentum := range []float64{0, 1} {
		m := &BYOL{Momentum: momentum, Hidden: 32, Dim: 16, views: asymmetric{Crop: 0.2}}
		s := newStudent(t, goBackend(t), m)
		s.step(t, 0) // at the first step the schedule is at its first value
		fresh := newStudent(t, goBackend(t), m)
		fresh.compile(t)
		seen := 0
		for v := range s.store.IterVariables() {
			path, ok := strings.CutPrefix(v.Path(), "/target")
			if !ok {
				continue
			}
			seen++
			first := flat(fresh.store.GetVariable(v.Path()))
			stayed := slices.Equal(flat(v), first)
			follows := slices.Equal(flat(v), flat(s.store.GetVariable(path)))
			switch running := strings.Contains(path, "running_"); {
			case running && (stayed || follows):
				t.Errorf("momentum %g: %s: stayed %v, follows %v, want statistics of its own", momentum, v.Path(), stayed, follows)
			case !running && momentum == 1 && !stayed:
				t.Errorf("momentum 1: %s moved", v.Path())
			case !running && momentum == 0 && !follows:
				t.Errorf("momentum 0: %s is not that of the online network", v.Path())
			}
		}
		if seen == 0 {
			t.Error("have no target network, want one")
		}
	}
}
