package view_test

import (
	"image"
	"math"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/random"
	"selfstream/stages/view"
	"selfstream/stages/view/viewtest"
)

// A cheat answers without recognising anything. It is right about one pair in
// eight by luck.
type cheat func(first, second *view.RGB) (answer int)

// shareRight is how often a cheat is right about pairs of an image.
func shareRight(p schemas.Pair, src *view.RGB, c cheat) float64 {
	const n = 200
	right := 0
	for i := range n {
		pix, answer := render(schemas.Recipe{Pair: &p}, src, i)
		if c(&view.RGB{W: p.Size, H: p.Size, Pix: pix[0]}, &view.RGB{W: p.Size, H: p.Size, Pix: pix[1]}) == answer {
			right++
		}
	}
	return float64(right) / n
}

// luck is more than a cheat that knows nothing gets, but for one in a
// thousand.
const luck = 0.125 + 0.073

// byEdges looks for the place where colours run on from patch to patch.
func byEdges(first, second *view.RGB) (answer int) {
	least := math.Inf(1)
	for i, d := range directions { // of corners but one pixel is known
		off := 0.0
		for k := range first.W {
			// The pixel of the second patch beyond the first one's border.
			at := func(step int) (mine, its int) {
				switch step {
				case -1:
					return 0, first.W - 1
				case 1:
					return first.W - 1, 0
				}
				return k, k
			}
			x, itsX := at(d.X)
			y, itsY := at(d.Y)
			for c := range 3 {
				off += math.Abs(float64(first.Pix[3*(y*first.W+x)+c]) - float64(second.Pix[3*(itsY*first.W+itsX)+c]))
			}
		}
		if off < least {
			answer, least = i, off
		}
	}
	return answer
}

// TestGapsHideEdges: where patches touch, colours that run on tell how they
// lie; over a gap they do not.
func TestGapsHideEdges(t *testing.T) {
	src := viewtest.Clouds(120, 120, 6, random.New(1))
	touching := schemas.Pair{Size: 24, Crop: schemas.Crop{ScaleMin: 0.4, ScaleMax: 0.7, RatioMin: 1, RatioMax: 1}, Swap: 0.5}
	if have := shareRight(touching, src, byEdges); have < 0.5 {
		t.Errorf("touching patches: have %.2f right, want the cheat to work", have)
	}
	apart := touching
	apart.Gap, apart.Jitter = 12, 2
	if have := shareRight(apart, src, byEdges); have > luck {
		t.Errorf("patches apart: have %.2f right, want luck", have)
	}
}

// byLens measures how far green is from red in either patch, which tells where
// in a photo it lies.
func byLens(first, second *view.RGB) (answer int) {
	d := parted(second).Sub(parted(first))
	most := math.Inf(-1)
	for i, step := range directions {
		along := float64(d.X*step.X+d.Y*step.Y) / math.Hypot(float64(step.X), float64(step.Y))
		if along > most {
			answer, most = i, along
		}
	}
	return answer
}

// parted is the shift of red that makes it most like green.
func parted(patch *view.RGB) (best image.Point) {
	const reach = 4
	least := math.MaxInt
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			off := 0
			for y := reach; y < patch.H-reach; y++ {
				for x := reach; x < patch.W-reach; x++ {
					d := int(patch.Pix[3*(patch.W*(y+dy)+x+dx)]) - int(patch.Pix[3*(patch.W*y+x)+1])
					off += d * d
				}
			}
			if off < least {
				best, least = image.Pt(dx, dy), off
			}
		}
	}
	return best
}

// TestColoursHideTheLens: a lens that bends green less than red and blue tells
// where in the photo a patch lies, unless the colours are taken away.
func TestColoursHideTheLens(t *testing.T) {
	src := viewtest.Lens(viewtest.Clouds(150, 150, 3, random.New(2)), 0.06)
	plain := schemas.Pair{Size: 32, Gap: 16, Jitter: 2, Crop: whole, Swap: 0.5}
	if have := shareRight(plain, src, byLens); have < 0.7 {
		t.Errorf("as it is: have %.2f right, want the cheat to work", have)
	}
	for name, set := range map[string]func(*schemas.Pair){
		"gray":    func(p *schemas.Pair) { p.Gray = 1 },
		"project": func(p *schemas.Pair) { p.Project = 1 },
		"drop":    func(p *schemas.Pair) { p.Drop = 1 },
	} {
		hidden := plain
		set(&hidden)
		if have := shareRight(hidden, src, byLens); have > luck {
			t.Errorf("%s: have %.2f right, want luck", name, have)
		}
	}
}
