package ledger

import "selfstream/schemas"

// Curve is how a run has gone, step by step: its metrics, thinned out evenly as
// they become many. The trainer keeps it with the status, so that it outlives
// the queue. The zero value is empty.
type Curve struct {
	Every  int              `json:"every"` // least steps between points, but for the last one and those with Collapse
	Points []schemas.Metric `json:"points"`
}

// curvePoints is how many points a curve has at most: twice as many as a chart
// has pixels tell nothing more.
const curvePoints = 500

// Add appends m. Points that a resumed run passes again are replaced. The metric
// of a failure measures nothing and is left out.
func (c *Curve) Add(m schemas.Metric) {
	if m.State == Failed {
		return
	}
	for n := len(c.Points); n > 0 && c.Points[n-1].Step >= m.Step; n = len(c.Points) {
		if m.Collapse == nil && c.Points[n-1].Step == m.Step {
			m.Collapse = c.Points[n-1].Collapse // as of the metric that ends a run
		}
		c.Points = c.Points[:n-1]
	}
	if n := len(c.Points); n > 1 && c.dense(n-1) {
		c.Points = c.Points[:n-1] // it was only kept as the last one
	}
	c.Points = append(c.Points, m)
	if len(c.Points) > curvePoints {
		c.thin()
	}
}

// dense tells whether a point is nearer to the one before than it should be.
func (c *Curve) dense(i int) bool {
	return c.Points[i].Collapse == nil && c.Points[i].Step-c.Points[i-1].Step < c.Every
}

// thin leaves out about half of the points.
func (c *Curve) thin() {
	c.Every = max(2, 2*c.Every)
	all := c.Points
	c.Points = all[:1:1]
	for i, m := range all[1:] {
		last := c.Points[len(c.Points)-1].Step
		if m.Collapse != nil || m.Step-last >= c.Every || i == len(all)-2 {
			c.Points = append(c.Points, m)
		}
	}
}
