package evaluator

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"selfstream/evaluator/exhibit"
	"selfstream/stages/geometry"
	"selfstream/stages/tsne"
	"selfstream/stages/view"
)

const (
	shownImages     = 400 // on the map
	shownNeighbours = 6   // of each of them
	shownSide       = 48  // of a tile at most, in pixels
	shownColumns    = 32  // of tiles
	shownDimensions = 128 // of the embedding, of which one is as good as another
)

// show keeps what the features of the last stage look like, and the features
// themselves, by the verdict of the first exam. Its report is kept after them,
// so that they are there if it is.
func (c *candidate) show(ctx context.Context, t Task, v Verdict) error {
	if !c.first {
		return nil
	}
	x, err := c.exhibit(t, v)
	if err != nil {
		return err
	}
	x.Run, x.Step = c.snapshot.Run, c.snapshot.Step
	if err := exhibit.Write(ctx, c.Runs, x); err != nil {
		return err
	}
	return c.export(ctx, t, v)
}

// exhibit chooses images at even distances among those held out, or among all
// where there are no labels, and lays them out.
func (c *candidate) exhibit(t Task, v Verdict) (*exhibit.Exhibit, error) {
	shown, from := t.Test, c.images.test
	if shown.Len() == 0 {
		shown, from = t.Train, c.images.train
	}
	places := evenly(shown.Len(), shownImages)
	few := shown.rows(places)
	g := &gallery{numbers: map[string]int32{}}
	x := &g.Exhibit
	x.Classes, x.Confusion = t.Classes, confusion(t, v.Predicted)
	lay(x, few)
	some := spread(t.Train, labelFreeImages)
	x.Spectrum = float32s(geometry.Spectrum(some.X, some.Len(), some.Dim))
	if t.Embedded[0].Len() > 0 {
		x.Correlation = corner(t.correlation(), t.Embedded[0].Dim, shownDimensions)
	}
	for _, i := range places {
		g.add(from, i)
		if len(v.Predicted) > 0 {
			x.Predicted = append(x.Predicted, v.Predicted[i])
		}
	}
	x.K = min(shownNeighbours, t.Train.Len()-1)
	for n, near := range neighbours(few, t.Train, x.K+1) {
		if t.Test.Len() == 0 { // each is nearest to itself
			near = without(near, places[n])
		}
		for _, b := range near[:x.K] {
			x.Neighbours = append(x.Neighbours, g.add(c.images.train, b.index))
			x.Similarity = append(x.Similarity, b.similarity)
		}
	}
	var err error
	x.Sheet, err = tile(g.tiles, c.images.train.size)
	return x, err
}

// lay makes the maps: of angles, as neighbours are by cosine.
func lay(x *exhibit.Exhibit, few Features) {
	n, unit := few.Len(), normalised(few)
	var share [2]float64
	x.Map, share = geometry.Map(unit, n, few.Dim)
	x.Variance = float32s(share[:])
	x.TSNE, x.Perplexity = tsne.Map(unit, n, few.Dim, x.Map), tsne.Perplexity(n)
}

// gallery is an exhibit under way.
type gallery struct {
	exhibit.Exhibit
	numbers map[string]int32 // of the images, by key
	tiles   [][]byte
}

// add returns the number of an image, which it shows if nothing did before.
func (g *gallery) add(p pixels, i int) int32 {
	n, known := g.numbers[p.keys[i]]
	if !known {
		n = int32(len(g.Keys))
		g.numbers[p.keys[i]] = n
		g.Keys, g.Labels = append(g.Keys, p.keys[i]), append(g.Labels, p.labels[i])
		g.tiles = append(g.tiles, p.data[i*bytesOf(p.size):(i+1)*bytesOf(p.size)])
	}
	return n
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// neighbours finds the k nearest images of the bank for each query, by cosine.
func neighbours(queries, from Features, k int) [][]neighbour {
	n, d := from.Len(), from.Dim
	similarities := make([]float32, n)
	bank, q := normalised(from), normalised(queries)
	all := make([][]neighbour, queries.Len())
	for i := range all {
		blas32.Implementation().Sgemv(blas.NoTrans, n, d, 1, bank, d, q[i*d:], 1, 0, similarities, 1)
		all[i] = nearest(similarities, k)
	}
	return all
}

func without(near []neighbour, index int) []neighbour {
	for i, b := range near {
		if b.index == index {
			return append(near[:i], near[i+1:]...)
		}
	}
	return near
}

// confusion counts what was taken for what: [classes, classes], by true class
// and by predicted one.
func confusion(t Task, predicted []int32) []int32 {
	c := len(t.Classes)
	if len(predicted) == 0 || c > exhibit.MaxConfused {
		return nil
	}
	counts := make([]int32, c*c)
	for i, label := range t.Test.Labels {
		counts[int(label)*c+int(predicted[i])]++
	}
	return counts
}

// corner is the first rows and columns of a matrix [d, d], at most that many.
func corner(matrix []float64, d, most int) []float32 {
	var c []float32
	for i := range min(d, most) {
		c = append(c, float32s(matrix[i*d:i*d+min(d, most)])...)
	}
	return c
}

// tile puts images of one size on a sheet.
func tile(images [][]byte, size int) (exhibit.Sheet, error) {
	s := exhibit.Sheet{Tile: min(size, shownSide), Columns: shownColumns}
	sheet := view.NewRGB(s.Tile*s.Columns, s.Tile*((len(images)+s.Columns-1)/s.Columns))
	small := make([]byte, bytesOf(s.Tile))
	var r view.Renderer
	for i, pix := range images {
		r.Center(small, &view.RGB{W: size, H: size, Pix: pix}, s.Tile)
		x, y := i%s.Columns*s.Tile, i/s.Columns*s.Tile
		for row := range s.Tile {
			copy(sheet.Pix[3*((y+row)*sheet.W+x):], small[3*row*s.Tile:3*(row+1)*s.Tile])
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, sheet, &jpeg.Options{Quality: 85}); err != nil {
		return s, fmt.Errorf("drawing the images of an exhibit: %w", err)
	}
	s.JPEG = b.Bytes()
	return s, nil
}
