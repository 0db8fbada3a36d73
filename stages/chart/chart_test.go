package chart

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	shading "image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// elements parses a drawing and counts its elements by name and class.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatalf("have %v, want XML: %s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok {
			class := ""
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, "%!") {
					t.Errorf("%s: have %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
				if a.Name.Local == "class" {
					class, _, _ = strings.Cut(a.Value, " ")
				}
			}
			counts[e.Name.Local+"."+class]++
		}
	}
}

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		axis   Axis
		values []float64
		want   string
	}{
		{Axis{}, []float64{0, 250}, "0 100 200 300"},
		{Axis{}, []float64{3.53, 4.9}, "3.5 4.0 4.5 5.0"},
		{Axis{}, []float64{0, 64000}, "0 20k 40k 60k 80k"},
		{Axis{Percent: true, From: 0, To: 1}, []float64{0.4, 0.9}, "0 50 100"},
		{Axis{Percent: true}, []float64{0.405, 0.89}, "40 60 80 100"},
		{Axis{}, []float64{4e-6, 4e-3}, "0.000 0.001 0.002 0.003 0.004"},
		{Axis{}, []float64{2e-9, 8e-9}, "2e-09 4e-09 6e-09 8e-09"},
		{Axis{}, []float64{7, 7}, "6.0 6.5 7.0 7.5 8.0"},
		{Axis{}, nil, "0.0 0.5 1.0"},
	} {
		s := newScale(tc.axis, 4, tc.values)
		var have []string
		for _, v := range s.ticks() {
			have = append(have, s.text(v))
		}
		if have := strings.Join(have, " "); have != tc.want {
			t.Errorf("%v of %v: have %q, want %q", tc.values, tc.axis, have, tc.want)
		}
	}
}

func TestScaleIsLinear(t *testing.T) {
	s := newScale(Axis{}, 4, []float64{0, 10})
	s.from, s.to = 200, 100
	for v, want := range map[float64]float64{0: 200, 5: 150, 10: 100} {
		if have := s.at(v); math.Abs(have-want) > 1e-9 {
			t.Errorf("%g: have place %g, want %g", v, have, want)
		}
	}
}

func TestLines(t *testing.T) {
	chart := Lines{
		Title: "Loss <by> step", X: Axis{Label: "step"}, Y: Axis{Label: "loss & more"},
		Series: []Series{
			{"train", []Point{{0, 4}, {10, 3}, {20, math.NaN()}, {30, 2}, {40, 1}}},
			{"none", nil},
			{`"<b>`, []Point{{0, 1}, {40, 2}}},
		},
		Rules: []Rule{{"chance", 4}},
	}
	svg := string(chart.SVG())
	have := elements(t, svg)
	for name, want := range map[string]int{"path.line": 2, "path.rule": 1, "path.mark": 2, "text.name": 2} {
		if have[name] != want {
			t.Errorf("%s: have %d, want %d", name, have[name], want)
		}
	}
	for _, want := range []string{`aria-label="Loss &lt;by&gt; step."`, "loss &amp; more", "&#34;&lt;b&gt;"} {
		if !strings.Contains(svg, want) {
			t.Errorf("have no %q in %s", want, svg)
		}
	}
	chart.Dots = true
	if have := elements(t, string(chart.SVG())); have["path.mark"] != 6 {
		t.Errorf("have %d marks, want 6, one for each value", have["path.mark"])
	}
	for _, empty := range []Lines{{}, {Series: []Series{{"one", []Point{{5, 5}}}}}, {Series: []Series{{"no", []Point{{1, math.Inf(1)}}}}}} {
		elements(t, string(empty.SVG()))
	}
}

// TestPathBreaks where there is no value, rather than bridge the gap.
func TestPathBreaks(t *testing.T) {
	x, y := newScale(Axis{}, 4, []float64{0, 10}), newScale(Axis{}, 4, []float64{0, 10})
	x.to, y.to = 10, 10
	have := path([]Point{{0, 0}, {1, 2}, {2, math.NaN()}, {3, 4.25}}, x, y)
	if want := "M0 0L1 2M3 4.25"; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}

// TestLabelsDoNotOverlap, wherever the lines end, as long as there is room.
func TestLabelsDoNotOverlap(t *testing.T) {
	for _, at := range [][]float64{{50, 50, 50}, {0, 1, 2, 100}, {100, 99, 98, 97}, {10, 90}, {55, 0, 54, 53}} {
		var s svg
		var labels []label
		for i, y := range at {
			labels = append(labels, label{fmt.Sprint(i), "name", y})
		}
		s.direct(labels, 0, 0, 100)
		var have []float64
		for _, part := range strings.Split(s.String(), `y="`)[1:] {
			var y float64
			if _, err := fmt.Sscanf(part, "%f", &y); err != nil {
				t.Fatal(err)
			}
			have = append(have, y-4)
		}
		slices.Sort(have)
		for i, y := range have {
			if y < -1e-9 || y > 100+1e-9 || i > 0 && y-have[i-1] < line-1e-9 {
				t.Errorf("%v: have heights %v, want them %g apart within 0 and 100", at, have, line)
			}
		}
	}
}

func TestBars(t *testing.T) {
	svg := string(Bars{Title: "Accuracy", Percent: true, Bars: []Bar{
		{"Forest", 1, "of 60", 0.5},
		{"River & Lake", 0.5, "", math.NaN()},
		{"None", math.NaN(), "", math.NaN()},
	}}.SVG())
	have := elements(t, svg)
	if have["rect.bar"] != 3 || have["path.against"] != 1 {
		t.Errorf("have %v, want 3 bars, one of them compared", have)
	}
	if !strings.Contains(svg, "100 % of 60") || !strings.Contains(svg, "River &amp; Lake") {
		t.Errorf("have %s", svg)
	}
	elements(t, string(Bars{}.SVG()))
}

func TestMatrix(t *testing.T) {
	svg := string(Matrix{Title: "Confusions", Rows: "true", Cols: "predicted", Names: []string{"cat", "dog"}, Counts: [][]int{{3, 1}, {0, 4}}}.SVG())
	have := elements(t, svg)
	for name, want := range map[string]int{"rect.cell": 4, "rect.hit": 2, "rect.miss": 1} {
		if have[name] != want {
			t.Errorf("%s: have %d, want %d", name, have[name], want)
		}
	}
	if !strings.Contains(svg, "cat taken for dog: 1 of 4") {
		t.Errorf("have %s", svg)
	}
	var many Matrix
	for i := range 60 {
		many.Names = append(many.Names, fmt.Sprintf("class %d", i))
		many.Counts = append(many.Counts, make([]int, 60))
	}
	if have := elements(t, string(many.SVG())); have["rect.cell"] != 3600 || have["text.tick"] > 100 {
		t.Errorf("have %v, want 3600 cells and names only where there is room", have)
	}
	elements(t, string(Matrix{}.SVG()))
}

// TestHeat: a value is a pixel, as strong as it is far from 0; what is no number
// is left blank.
func TestHeat(t *testing.T) {
	nan := float32(math.NaN())
	svg := string(Heat{Title: "Correlation", Panels: []Panel{{"before", 2, []float32{1, 0, -1, 0.5}}, {"after", 2, []float32{nan, 2, -2, 0}}}}.SVG())
	if have := elements(t, svg); have["image."] != 2 || have["text.label"] != 2 {
		t.Errorf("have %v, want two pictures with names", have)
	}
	for i, want := range [][]shading.NRGBA{
		{hottest, {}, coldest, {hottest.R, hottest.G, hottest.B, 0x81}},
		{{}, hottest, coldest, {}},
	} {
		data, _, _ := strings.Cut(strings.Split(svg, "data:image/png;base64,")[i+1], `"`)
		file, err := base64.StdEncoding.DecodeString(html.UnescapeString(data))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		for k, w := range want {
			have := shading.NRGBAModel.Convert(img.At(k%2, k/2)).(shading.NRGBA)
			if w.A == 0 {
				have.R, have.G, have.B = 0, 0, 0 // nothing is seen of it
			}
			if have != w {
				t.Errorf("picture %d, pixel %d: have %v, want %v", i, k, have, w)
			}
		}
	}
	elements(t, string(Heat{}.SVG()))
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		room       float64
		text, want string
	}{
		{60, "River", "River"},
		{56, "HerbaceousVegetation", "Herb…ion"},
		{0, "abcdef", "a…f"},
	} {
		if have := shorten(tc.text, tc.room); have != tc.want {
			t.Errorf("%q in %g: have %q, want %q", tc.text, tc.room, have, tc.want)
		}
	}
}

func TestScatter(t *testing.T) {
	c := Scatter{
		Title: "Map", X: "first", Y: "second", Classes: []string{"cat", "dog"},
		Spots: []Spot{{0, 0, 0, "a <cat>", false}, {0.001, 0, 1, "a dog", true}, {10, 5, -1, "a bird", false}, {math.NaN(), 0, 0, "lost", false}},
		Tiles: Tiles{ID: "sheet", Side: 32, Columns: 2},
	}
	svg := string(c.SVG())
	have := elements(t, svg)
	// The second spot and the lost one, which lies at 0, are under the first.
	for name, want := range map[string]int{"g.spot": 4, "svg.tile": 2, "rect.edge": 2, "path.mark": 2 + 2} {
		if have[name] != want {
			t.Errorf("%s: have %d, want %d", name, have[name], want)
		}
	}
	for _, want := range []string{"a &lt;cat&gt;", `viewBox="0 32 32 32"`, `class="spot ringed" data-n="1"`, `href="#sheet"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("have no %q in %s", want, svg)
		}
	}
	c.Tiles = Tiles{}
	if have := elements(t, string(c.SVG())); have["svg.tile"] != 0 || have["path.mark"] != 4+2 {
		t.Errorf("without pictures: have %v", have)
	}
	elements(t, string(Scatter{}.SVG()))
	elements(t, string(Scatter{Spots: []Spot{{X: 3, Y: 3}}}.SVG()))
}

// TestPlacesKeepShape: one unit is as long along one axis as along the other.
func TestPlacesKeepShape(t *testing.T) {
	c := Scatter{Spots: []Spot{{X: 0, Y: 0}, {X: 10, Y: 0}, {X: 0, Y: 5}}}
	p := c.places(box{0, 0, 100, 100})
	wide, high := p[1][0]-p[0][0], p[0][1]-p[2][1]
	if math.Abs(wide-100) > 1e-9 || math.Abs(high-50) > 1e-9 {
		t.Errorf("have %g × %g, want 100 × 50", wide, high)
	}
}

// TestClassesDiffer in colour or in shape.
func TestClassesDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range legendMost {
		look := classColor(i) + sign(classShape(i), 0, 0, 1)
		if before, ok := seen[look]; ok {
			t.Errorf("classes %d and %d look alike", before, i)
		}
		seen[look] = i
	}
}
