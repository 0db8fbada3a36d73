package scenes

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/png"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"selfstream/stages/view"
)

// TestGolden holds pictures of every class to their bits, which must be the
// same on every processor. A digest that has to change here is a demonstration
// with other pictures.
func TestGolden(t *testing.T) {
	h := sha256.New()
	for class := range Classes() {
		for n := range 3 {
			h.Write(Draw(1, class, n).Pix)
		}
	}
	const want = "7e641bf6b13df0a1e46546b60f76bfb4264cd9b0163623b4f630deae0462e2ea"
	if have := hex.EncodeToString(h.Sum(nil)); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}

func TestPicturesDiffer(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(2) {
		for class := range Classes() {
			for n := range 3 {
				name := fmt.Sprintf("seed %d, class %d, n %d", seed, class, n)
				pix := string(Draw(seed, class, n).Pix)
				if other, ok := seen[pix]; ok {
					t.Errorf("have the same picture for %s and %s, want different ones", name, other)
				}
				seen[pix] = name
			}
		}
	}
}

func TestAll(t *testing.T) {
	const seed, train, test = 3, 2, 1
	var have []string
	for key, file := range All(seed, train, test) {
		have = append(have, key)
		_, rest, _ := strings.Cut(key, "/")
		name, number, _ := strings.Cut(rest, "/")
		n, err := strconv.Atoi(strings.TrimSuffix(number, ".png"))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		img, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		want := Draw(seed, slices.Index(Classes(), name), n)
		if img.Bounds() != want.Bounds() {
			t.Fatalf("%s: have %v, want %v", key, img.Bounds(), want.Bounds())
		}
		for y := range want.H {
			for x := range want.W {
				if have, want := img.At(x, y), want.At(x, y); have != want {
					t.Fatalf("%s: pixel %d, %d: have %v, want %v", key, x, y, have, want)
				}
			}
		}
	}
	var want []string
	for _, name := range Classes() {
		want = append(want, "train/"+name+"/0000.png", "train/"+name+"/0001.png", "test/"+name+"/0002.png")
	}
	if !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestAllStops(t *testing.T) {
	n := 0
	for range All(1, 160, 40) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("have %d pictures, want 2", n)
	}
}

// TestColourTellsNothing looks for the class of a picture among others of known
// class: the mean colour must be a bad guide, and the directions of edges a good
// one.
func TestColourTellsNothing(t *testing.T) {
	const train, test = 60, 20
	var pictures []*view.RGB
	for class := range Classes() {
		for n := range train + test {
			pictures = append(pictures, Draw(1, class, n))
		}
	}
	for _, tc := range []struct {
		name     string
		feature  func(*view.RGB) []float64
		from, to float64
	}{
		{"mean colour", meanColour, 0, 0.2},
		{"directions of edges", directions, 0.6, 1},
	} {
		var known, asked []example
		for i, p := range pictures {
			e := example{class: i / (train + test), x: tc.feature(p)}
			if i%(train+test) < train {
				known = append(known, e)
			} else {
				asked = append(asked, e)
			}
		}
		have := topOne(known, asked)
		t.Logf("10 nearest neighbours by %s: top-1 %.3f", tc.name, have)
		if have < tc.from || have > tc.to {
			t.Errorf("10 nearest neighbours by %s: have top-1 %.3f, want %g to %g", tc.name, have, tc.from, tc.to)
		}
	}
}

type example struct {
	class int
	x     []float64
	far   float64 // from the one that is looked for
}

// topOne is the share of those asked for whose class is that of most of the 10
// nearest known ones; of as many, the one with the nearer neighbour counts.
func topOne(known, asked []example) float64 {
	right := 0
	for _, a := range asked {
		for i := range known {
			known[i].far = 0
			for j, v := range known[i].x {
				known[i].far += (v - a.x[j]) * (v - a.x[j])
			}
		}
		slices.SortFunc(known, func(a, b example) int { return cmp.Compare(a.far, b.far) })
		votes := make([]int, len(Classes()))
		for _, k := range known[:10] {
			votes[k.class]++
		}
		best := slices.MaxFunc(known[:10], func(a, b example) int { return votes[a.class] - votes[b.class] })
		if best.class == a.class {
			right++
		}
	}
	return float64(right) / float64(len(asked))
}

func meanColour(img *view.RGB) []float64 {
	sum := make([]float64, 3)
	for i, v := range img.Pix {
		sum[i%3] += float64(v)
	}
	return sum
}

// directions is how much of the brightness changes in each of 16 directions,
// over three distances, wherever both coordinates are even.
func directions(img *view.RGB) []float64 {
	luma := func(x, y int) float64 {
		p := img.Pix[3*(y*img.W+x):]
		return float64(p[0]) + float64(p[1]) + float64(p[2])
	}
	var all []float64
	for _, far := range []int{2, 4, 8} {
		bins := make([]float64, 16)
		var sum float64
		for y := far; y < img.H-far; y += 2 {
			for x := far; x < img.W-far; x += 2 {
				dx, dy := luma(x+far, y)-luma(x-far, y), luma(x, y+far)-luma(x, y-far)
				change := math.Hypot(dx, dy)
				bin := int(math.Floor(math.Atan2(dy, dx)/math.Pi*16)) & 15
				bins[bin] += change
				sum += change
			}
		}
		for i := range bins {
			all = append(all, bins[i]/sum)
		}
	}
	return all
}
