package schemas

import "slices"

// Tiles is the number of tiles of a Jigsaw, numbered in reading order:
//
//	0 1 2
//	3 4 5
//	6 7 8
const Tiles = 9

// Jigsaw cuts a square of the image into 3×3 cells, takes a tile out of each,
// and shuffles the tiles by one of a set of permutations, each as likely as the
// others. The answer is the place of that permutation in the set.
//
// Noroozi & Favaro, 2016, "Unsupervised Learning of Visual Representations by
// Solving Jigsaw Puzzles", https://arxiv.org/abs/1603.09246. The authors cut
// tiles of 64 pixels out of cells of 85, which leaves gaps of 0 to 42 pixels.
// Against colours that a lens has shifted they shift channels at random. Each
// tile should be normalised by itself, too; that needs more than 8 bits a
// channel, so it is left to the method.
type Jigsaw struct {
	Size int  `json:"size"` // side of a tile, in pixels
	Cell int  `json:"cell"` // side of a cell, in pixels; the tile lies anywhere in it
	Crop Crop `json:"crop"` // the box of the image that is resized to the grid's Side

	Margin  int     `json:"margin,omitempty"`  // pixels along the border of the grid that no tile shows
	Flip    float64 `json:"flip,omitempty"`    // probability of mirroring the whole image left and right, before it is cut
	Shift   int     `json:"shift,omitempty"`   // each channel of each tile is moved by 0 to Shift pixels in x and y, within the cell; the authors have 2
	Gray    float64 `json:"gray,omitempty"`    // probability of all tiles losing colour
	Project float64 `json:"project,omitempty"` // probability of all tiles losing what is between green and magenta

	Permutations []Permutation `json:"permutations"` // to choose from, all different
}

// Side is the side of the grid, in pixels.
func (j Jigsaw) Side() int { return 3*j.Cell + 2*j.Margin }

func (j Jigsaw) validate() error {
	if err := checkSize(j.Size); err != nil {
		return err
	}
	switch {
	case j.Cell < j.Size || j.Cell > MaxGrid/3:
		return invalid("cell: have %d, want %d to %d for tiles of %d", j.Cell, j.Size, MaxGrid/3, j.Size)
	case j.Margin < 0 || j.Margin > MaxGrid:
		return invalid("margin: have %d, want 0 to %d", j.Margin, MaxGrid)
	case j.Side() > MaxGrid:
		return invalid("grid: have a side of %d for cells of %d and a margin of %d, want at most %d", j.Side(), j.Cell, j.Margin, MaxGrid)
	case j.Shift < 0 || j.Shift > j.Cell-j.Size:
		return invalid("shift: have %d, want 0 to %d, the room that a tile of %d has in a cell of %d", j.Shift, j.Cell-j.Size, j.Size, j.Cell)
	}
	if err := j.Crop.validate(); err != nil {
		return err
	}
	if err := checkProbabilities([]probability{{"flip", j.Flip}, {"gray", j.Gray}, {"project", j.Project}}); err != nil {
		return err
	}
	return checkPermutations(j.Permutations)
}

func checkPermutations(all []Permutation) error {
	if n := len(all); n < 1 || n > MaxPermutations {
		return invalid("permutations: have %d, want 1 to %d", n, MaxPermutations)
	}
	seen := make(map[Permutation]bool, len(all))
	for i, p := range all {
		switch {
		case !p.valid():
			return invalid("permutation %d: have %v, want each of 0 to 8 once", i, p)
		case seen[p]:
			return invalid("permutation %d: %v comes twice", i, p)
		}
		seen[p] = true
	}
	return nil
}

// Permutation is an order of nine tiles: place i shows tile p[i]. Its text is
// the nine digits, such as "481203657".
type Permutation [Tiles]uint8

// String is the nine digits.
func (p Permutation) String() string {
	digits := make([]byte, Tiles)
	for i, tile := range p {
		digits[i] = '0' + tile
	}
	return string(digits)
}

// MarshalText implements encoding.TextMarshaler.
func (p Permutation) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes nine digits;
// whether they are a permutation is for Recipe.Validate to say.
func (p *Permutation) UnmarshalText(text []byte) error {
	isTile := func(digit byte) bool { return '0' <= digit && digit < '0'+Tiles }
	if len(text) != Tiles || slices.ContainsFunc(text, func(digit byte) bool { return !isTile(digit) }) {
		return invalid("permutation: have %q, want nine digits from 0 to 8", text)
	}
	for i, digit := range text {
		p[i] = digit - '0'
	}
	return nil
}

// valid tells whether each tile comes once.
func (p Permutation) valid() bool {
	var seen [Tiles]bool
	for _, tile := range p {
		if int(tile) >= Tiles || seen[tile] {
			return false
		}
		seen[tile] = true
	}
	return true
}
