package board

import (
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"strconv"
	"strings"

	"selfstream/evaluator/exhibit"
	"selfstream/stages/chart"
)

// mapView is an exhibit as the templates ask for it.
type mapView struct {
	*exhibit.Exhibit
	name  string // "step 375" or "untrained"
	sheet template.URL
	id    string // of the image element that has all tiles
}

// Maps are those of the last snapshot and of the untrained encoder.
func (v *view) Maps() []*mapView {
	var all []*mapView
	for _, x := range []*exhibit.Exhibit{v.now, v.untrained} {
		if x != nil {
			all = append(all, &mapView{x, v.stepName(x.Step), v.sheetURL(x), fmt.Sprintf("sheet-%s-%d", x.Run, x.Step)})
		}
	}
	return all
}

// Switched tells whether there is more than one way to lay the images out.
func (v *view) Switched() bool { return v.now != nil && len(v.now.TSNE) > 0 }

func (v *view) stepName(step int) string {
	if step == 0 {
		return "untrained"
	}
	return fmt.Sprintf("step %d", step)
}

// Sheet is where the pictures are.
func (m *mapView) Sheet() template.URL { return m.sheet }

// ID is that of the element that has them.
func (m *mapView) ID() string { return m.id }

// Name is which encoder it is.
func (m *mapView) Name() string { return m.name }

// Wide and High are the size of the sheet in pixels.
func (m *mapView) Wide() int { return m.Exhibit.Sheet.Columns * m.Exhibit.Sheet.Tile }

// High is its height.
func (m *mapView) High() int {
	columns := m.Exhibit.Sheet.Columns
	return (len(m.Keys) + columns - 1) / columns * m.Exhibit.Sheet.Tile
}

func (m *mapView) tiles() chart.Tiles {
	return chart.Tiles{ID: m.id, Side: m.Exhibit.Sheet.Tile, Columns: m.Exhibit.Sheet.Columns}
}

// Map is the chart by principal components.
func (m *mapView) Map() template.HTML {
	return m.scatter(m.Exhibit.Map, chart.Scatter{
		Title:       "Map of the features, " + m.name,
		Description: fmt.Sprintf("%d images by the first two principal components of their features, which have %.0f %% of the variance.", m.N(), 100*(m.Variance[0]+m.Variance[1])),
		X:           fmt.Sprintf("component 1: %.0f %%", 100*m.Variance[0]), Y: fmt.Sprintf("component 2: %.0f %%", 100*m.Variance[1]),
	})
}

// TSNE is the chart by t-SNE, or "" where there is none.
func (m *mapView) TSNE() template.HTML {
	if len(m.Exhibit.TSNE) == 0 {
		return ""
	}
	return m.scatter(m.Exhibit.TSNE, chart.Scatter{
		Title:       "Map of the features by t-SNE, " + m.name,
		Description: fmt.Sprintf("%d images by t-SNE of their features, so that those that are near each other stay near.", m.N()),
		X:           fmt.Sprintf("t-SNE, perplexity %.3g", m.Perplexity),
	})
}

// scatter draws the images at their places, [N, 2].
func (m *mapView) scatter(places []float32, c chart.Scatter) template.HTML {
	c.Classes, c.Tiles = m.Classes, m.tiles()
	for i := range m.N() {
		c.Spots = append(c.Spots, chart.Spot{
			X: float64(places[2*i]), Y: float64(places[2*i+1]), Class: int(m.Labels[i]), Title: m.caption(i), Ringed: m.wrong(i),
		})
	}
	return c.SVG()
}

func (m *mapView) class(label int32) string {
	if label < 0 {
		return ""
	}
	return m.Classes[label]
}

func (m *mapView) wrong(i int) bool { return len(m.Predicted) > 0 && m.Predicted[i] != m.Labels[i] }

// caption says which image it is, and what a probe takes it for.
func (m *mapView) caption(i int) string {
	parts := []string{path.Base(m.Keys[i])}
	if class := m.class(m.Labels[i]); class != "" {
		parts = append(parts, class)
	}
	if i < m.N() && m.wrong(i) {
		parts = append(parts, "taken for "+m.class(m.Predicted[i]))
	}
	return strings.Join(parts, ", ")
}

// neighbourhood is an image with those that are nearest to it.
type neighbourhood struct {
	Picture template.HTML
	Caption string
	Near    []nearPicture
}

type nearPicture struct {
	Picture template.HTML
	Caption string
	Other   bool // of another class
}

// Examples are the neighbourhoods of some images.
func (m *mapView) Examples() []neighbourhood {
	const most = 6
	var all []neighbourhood
	for k := range min(most, m.N()) {
		i := (2*k + 1) * m.N() / (2 * min(most, m.N()))
		n := neighbourhood{Picture: m.tiles().SVG(i, m.caption(i)), Caption: m.caption(i)}
		for j := range m.K {
			b := int(m.Neighbours[i*m.K+j])
			caption := fmt.Sprintf("%s, cosine %.2f", m.caption(b), m.Similarity[i*m.K+j])
			n.Near = append(n.Near, nearPicture{m.tiles().SVG(b, caption), caption, m.Labels[b] != m.Labels[i]})
		}
		all = append(all, n)
	}
	return all
}

// Data is what a click on the map needs to know, as JSON.
func (m *mapView) Data() (string, error) {
	d := struct {
		Tile       int      `json:"tile"`
		Columns    int      `json:"columns"`
		K          int      `json:"k"`
		Captions   []string `json:"captions"`
		Labels     []int32  `json:"labels"`
		Neighbours []int32  `json:"neighbours"`
		Cosines    []string `json:"cosines"`
	}{Tile: m.Exhibit.Sheet.Tile, Columns: m.Exhibit.Sheet.Columns, K: m.K, Labels: m.Labels, Neighbours: m.Neighbours}
	for i := range m.Keys {
		d.Captions = append(d.Captions, m.caption(i))
	}
	for _, s := range m.Similarity {
		d.Cosines = append(d.Cosines, strconv.FormatFloat(float64(s), 'f', 2, 32))
	}
	text, err := json.Marshal(d)
	return string(text), err
}

// Pure tells how many of the neighbours share the class of their image, or "".
func (m *mapView) Pure() string {
	if len(m.Classes) == 0 || len(m.Neighbours) == 0 {
		return ""
	}
	same := 0
	for i, b := range m.Neighbours {
		if m.Labels[b] == m.Labels[i/m.K] {
			same++
		}
	}
	return fmt.Sprintf("%.0f %%", 100*float64(same)/float64(len(m.Neighbours)))
}

// Confusion is what the linear probe takes for what.
func (v *view) Confusion() *figure {
	if v.now == nil || len(v.now.Confusion) == 0 {
		return nil
	}
	x, c := v.now, len(v.now.Classes)
	f := &figure{ID: "confusion", Name: "What is taken for what, linear probe, " + v.stepName(x.Step)}
	m := chart.Matrix{Title: f.Name, Rows: "true class", Cols: "taken for", Names: x.Classes, Counts: make([][]int, c)}
	f.Table.Head = append([]string{"true class"}, x.Classes...)
	for i := range m.Counts {
		row := []string{x.Classes[i]}
		for _, n := range x.Confusion[i*c : (i+1)*c] {
			m.Counts[i] = append(m.Counts[i], int(n))
			row = append(row, strconv.Itoa(int(n)))
		}
		f.Table.Rows = append(f.Table.Rows, row)
	}
	f.Note = worst(m)
	m.Description = f.Note
	const most = 60
	if c <= most {
		f.SVG = m.SVG()
	}
	return f
}

// worst names the most frequent confusions.
func worst(m chart.Matrix) string {
	var found []string
	used := map[[2]int]bool{}
	for range 3 {
		best, most := [2]int{}, 0
		for i, row := range m.Counts {
			for j, n := range row {
				if i != j && n > most && !used[[2]int{i, j}] {
					best, most = [2]int{i, j}, n
				}
			}
		}
		if most == 0 {
			break
		}
		used[best] = true
		found = append(found, fmt.Sprintf("%s for %s (%d)", m.Names[best[0]], m.Names[best[1]], most))
	}
	if len(found) == 0 {
		return "No image is taken for another class."
	}
	return "Most often taken: " + strings.Join(found, ", ") + "."
}

// Spectrum is how much of the variance lies in how many dimensions.
func (v *view) Spectrum() *figure {
	if v.now == nil {
		return nil
	}
	l := chart.Lines{X: chart.Axis{Label: "dimensions", From: 0, To: 1}, Y: chart.Axis{Label: "share of the variance", From: 0, To: 1, Percent: true}}
	for _, x := range []*exhibit.Exhibit{v.now, v.untrained} {
		if x == nil {
			continue
		}
		s := chart.Series{Name: v.stepName(x.Step), Points: []chart.Point{{}}}
		sum := 0.0
		for i, share := range x.Spectrum {
			sum = min(sum+float64(share), 1)
			s.Points = append(s.Points, chart.Point{X: float64(i + 1), Y: sum})
		}
		l.Series = append(l.Series, s)
	}
	return lines("spectrum", "Variance in the first dimensions", "Of the features' principal components. The flatter the rise, the more dimensions say something.", l)
}
