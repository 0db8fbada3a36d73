package ledger_test

import (
	"testing"

	"selfstream/schemas"
	"selfstream/stages/ledger"
)

// TestCurveIsEven: however long a run is, its curve has a few hundred points
// at even distances, from the first step to the last.
func TestCurveIsEven(t *testing.T) {
	for _, steps := range []int{1, 2, 499, 500, 501, 1234, 100_000} {
		var c ledger.Curve
		looks := 0
		for step := 1; step <= steps; step++ {
			m := schemas.Metric{Step: step}
			if step%max(1, steps/50) == 0 {
				m.Collapse = &schemas.Collapse{}
				looks++
			}
			c.Add(m)
		}
		n := len(c.Points)
		if n > 500 || n < min(steps, 200) || c.Points[0].Step != 1 || c.Points[n-1].Step != steps {
			t.Errorf("%d steps: have %d points from %d to %d, want at most 500 of all", steps, n, c.Points[0].Step, c.Points[n-1].Step)
		}
		kept := 0
		for i, m := range c.Points {
			if m.Collapse != nil {
				kept++
			}
			if i > 0 && m.Step <= c.Points[i-1].Step {
				t.Fatalf("%d steps: have step %d after %d", steps, m.Step, c.Points[i-1].Step)
			}
			if i > 0 && m.Step-c.Points[i-1].Step > max(1, 2*c.Every) {
				t.Errorf("%d steps: have nothing between %d and %d, want a point every %d", steps, c.Points[i-1].Step, m.Step, c.Every)
			}
		}
		if kept != looks {
			t.Errorf("%d steps: have %d looks at the embedding, want all %d", steps, kept, looks)
		}
	}
}

// TestCurveGoesBackWithItsRun: a run that resumes takes the place of what was
// measured after its snapshot.
func TestCurveGoesBackWithItsRun(t *testing.T) {
	var c ledger.Curve
	for _, step := range []int{10, 20, 30, 40} {
		c.Add(schemas.Metric{Step: step, Loss: 1})
	}
	c.Add(schemas.Metric{Step: 25, Loss: 2})
	want := []schemas.Metric{{Step: 10, Loss: 1}, {Step: 20, Loss: 1}, {Step: 25, Loss: 2}}
	if len(c.Points) != len(want) {
		t.Fatalf("have %d points, want %d", len(c.Points), len(want))
	}
	for i, m := range c.Points {
		if m.Step != want[i].Step || m.Loss != want[i].Loss {
			t.Errorf("point %d: have step %d, loss %g, want %d, %g", i, m.Step, m.Loss, want[i].Step, want[i].Loss)
		}
	}
	c.Add(schemas.Metric{Step: 20, State: ledger.Failed})
	look := &schemas.Collapse{Rank: 3}
	c.Add(schemas.Metric{Step: 30, Collapse: look})
	c.Add(schemas.Metric{Step: 30, State: ledger.Finished})
	if last := c.Points[len(c.Points)-1]; last.State != ledger.Finished || last.Collapse != look {
		t.Errorf("have %+v, want the last word on step 30 with the look at it", last)
	}
}
