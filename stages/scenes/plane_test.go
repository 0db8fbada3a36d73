package scenes

import (
	"math"
	"testing"
)

// TestSinesAreFarFromTies makes sure that they are rounded alike wherever
// math.Sin is right within 10⁻¹⁰.
func TestSinesAreFarFromTies(t *testing.T) {
	for i := range sines {
		x := math.Abs(math.Sin(2*math.Pi*float64(i)/256)) * (1 << 20)
		if have := math.Abs(x - math.Floor(x) - 0.5); have < 1e-4 {
			t.Errorf("sine %d: have %g steps to the next tie, want at least 1e-4", i, have)
		}
	}
}

func TestSine(t *testing.T) {
	for turns := -3.0; turns < 3; turns += 1. / 1111 {
		if have, want := sine(turns), math.Sin(2*math.Pi*turns); math.Abs(have-want) > 1e-4 {
			t.Fatalf("sine of %g turns: have %g, want %g", turns, have, want)
		}
	}
}

func TestAngle(t *testing.T) {
	for turns := -0.499; turns < 0.5; turns += 1. / 1111 {
		y, x := math.Sincos(2 * math.Pi * turns)
		if have := angle(vec{3 * x, 3 * y}); math.Abs(have-turns) > 1e-3 {
			t.Fatalf("angle of %g turns: have %g", turns, have)
		}
	}
	if have := angle(vec{}); have != 0 {
		t.Errorf("angle of nothing: have %g, want 0", have)
	}
}
