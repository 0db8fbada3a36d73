package sheet

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"golang.org/x/image/font"
)

// picked is a picture of which every pixel has another colour.
func picked(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(7 * x), uint8(11 * y), uint8(x * y), 0xff})
		}
	}
	return img
}

func example(columns, rows int) Sheet {
	long := strings.Repeat("some-folder/", 30) + "photo.jpg"
	s := Sheet{Title: long, Note: strings.Repeat("a few words ", 40)}
	for c := range columns {
		s.Columns = append(s.Columns, fmt.Sprintf("column %d %s", c, long))
	}
	for r := range rows {
		row := Row{Caption: long}
		for c := range columns - r%2 {
			row.Cells = append(row.Cells, Cell{
				Image:   picked(1+37*(r+c)%301, 1+53*(r+2*c)%299),
				Caption: strings.Repeat("crop of a photo, ", r*c) + long,
				Frame:   color.Black,
			})
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// TestNothingOverlaps also tests that everything lies on the sheet.
func TestNothingOverlaps(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    Sheet
	}{
		{"nothing", Sheet{}},
		{"title only", Sheet{Title: "title"}},
		{"no captions", Sheet{Rows: []Row{{Cells: []Cell{{Image: picked(3, 200)}, {}, {Image: picked(200, 3)}}}, {Cells: []Cell{{Image: picked(9, 9)}}}}}},
		{"one column", example(1, 4)},
		{"three columns", example(3, 5)},
	} {
		for _, cell := range []int{1, 40, 200} {
			t.Run(fmt.Sprintf("%s, cells of %d", tc.name, cell), func(t *testing.T) {
				l := tc.s.layout(cell)
				var boxes []image.Rectangle
				for _, r := range l.rules {
					boxes = append(boxes, r.box)
				}
				for _, x := range l.texts {
					boxes = append(boxes, x.box)
				}
				for _, p := range l.pictures {
					boxes = append(boxes, p.box.Inset(-frame))
				}
				for i, a := range boxes {
					if !a.In(l.bounds) {
						t.Errorf("have %v outside of the sheet %v, want it inside", a, l.bounds)
					}
					for _, b := range boxes[:i] {
						if a.Overlaps(b) {
							t.Errorf("have %v over %v, want them apart", a, b)
						}
					}
				}
				if have := tc.s.Draw(cell).Bounds(); have != l.bounds {
					t.Errorf("sheet: have %v, want %v", have, l.bounds)
				}
			})
		}
	}
}

func TestTextsFit(t *testing.T) {
	l := example(3, 5).layout(160)
	if len(l.texts) < 20 {
		t.Fatalf("have %d lines, want more", len(l.texts))
	}
	for _, x := range l.texts {
		if have := font.MeasureString(x.face(), x.line).Ceil(); have > x.box.Dx() {
			t.Errorf("%q: have %d pixels, want at most %d", x.line, have, x.box.Dx())
		}
	}
}

// TestTruncate checks that as much as fits is kept of both ends.
func TestTruncate(t *testing.T) {
	measure := func(s string) int { return font.MeasureString(caption.face(), s).Ceil() }
	for _, tc := range []struct {
		line, room string // room is a text as wide as there is room
		want       string
	}{
		{"", "", ""},
		{"", "wide", ""},
		{"0000000000", "0000000000", "0000000000"},
		{"0000000000", "0000…0000", "0000…0000"},
		{"0000000000", "0000…000", "0000…000"},
		{"0000000000", "0…", "0…"},
		{"0000000000", "…", "…"},
		{"0000000000", "", "…"},
		{"nnnnnüüüüü", "nnnnü…ü", "nnn…üüü"},
	} {
		if have := caption.truncate(tc.line, measure(tc.room)); have != tc.want {
			t.Errorf("%q in %d pixels: have %q, want %q", tc.line, measure(tc.room), have, tc.want)
		}
	}

	const key = "train/Gänseblümchen/0001.png"
	runes := []rune(key)
	for width := range measure(key) {
		have := caption.truncate(key, width)
		head, tail, cut := strings.Cut(have, "…")
		if !cut || !strings.HasPrefix(key, head) || !strings.HasSuffix(key, tail) {
			t.Fatalf("%d pixels: have %q, want both ends of %q", width, have, key)
		}
		keep := len([]rune(have)) // one more than there are
		more := string(runes[:keep-keep/2]) + "…" + string(runes[len(runes)-keep/2:])
		if have != "…" && measure(have) > width || measure(more) <= width {
			t.Errorf("%d pixels: have %q of %d, want the longest that fits", width, have, measure(have))
		}
	}
}

func TestWrap(t *testing.T) {
	width := font.MeasureString(note.face(), "crop 10 × 20,").Ceil()
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"flipped", []string{"flipped"}},
		{"crop 10 × 20, flipped, grey", []string{"crop 10 × 20,", "flipped, grey"}},
		{"flipped, crop\u00a010\u00a0×\u00a020, grey", []string{"flipped,", "crop\u00a010\u00a0×\u00a020,", "grey"}},
		{"an-unbreakable-word flipped", []string{"an-unbreakable-word", "flipped"}},
		{"a\nb", []string{"a", "b"}},
	} {
		have := note.wrap(tc.text, width)
		if fmt.Sprintf("%q", have) != fmt.Sprintf("%q", tc.want) {
			t.Errorf("%q: have %q, want %q", tc.text, have, tc.want)
		}
	}
}

// TestPixelsAreKept checks that small pictures are enlarged by whole factors
// and that nothing but their own pixels is in their place.
func TestPixelsAreKept(t *testing.T) {
	for _, tc := range []struct{ w, h, cell, factor int }{
		{8, 8, 8, 1},
		{8, 8, 15, 1},
		{8, 8, 32, 4},
		{8, 5, 35, 4},
		{1, 9, 100, 11},
	} {
		img := picked(tc.w, tc.h)
		s := Sheet{Rows: []Row{{Cells: []Cell{{Image: img}}}}}
		box := s.layout(tc.cell).pictures[0].box
		if want := image.Pt(tc.w*tc.factor, tc.h*tc.factor); box.Size() != want {
			t.Errorf("%d × %d in %d: have %v, want %v", tc.w, tc.h, tc.cell, box.Size(), want)
			continue
		}
		sheet := s.Draw(tc.cell)
		for y := range box.Dy() {
			for x := range box.Dx() {
				have, want := sheet.NRGBAAt(box.Min.X+x, box.Min.Y+y), img.NRGBAAt(x/tc.factor, y/tc.factor)
				if have != want {
					t.Fatalf("%d × %d in %d: pixel %d, %d: have %v, want %v", tc.w, tc.h, tc.cell, x, y, have, want)
				}
			}
		}
	}
}

func TestPhotosShrink(t *testing.T) {
	red := color.NRGBA{200, 30, 40, 0xff}
	for _, tc := range []struct{ w, h, wantW, wantH int }{
		{400, 300, 100, 75},
		{300, 400, 75, 100},
		{101, 100, 100, 99},
		{5000, 2, 100, 1},
	} {
		photo := image.NewNRGBA(image.Rect(0, 0, tc.w, tc.h))
		fill(photo, photo.Bounds(), red)
		s := Sheet{Rows: []Row{{Cells: []Cell{{Image: photo}}}}}
		box := s.layout(100).pictures[0].box
		if want := image.Pt(tc.wantW, tc.wantH); box.Size() != want {
			t.Errorf("%d × %d: have %v, want %v", tc.w, tc.h, box.Size(), want)
		}
		sheet := s.Draw(100)
		for _, p := range []image.Point{box.Min, box.Max.Sub(image.Pt(1, 1))} {
			if have := sheet.NRGBAAt(p.X, p.Y); have != red {
				t.Errorf("%d × %d: pixel %v: have %v, want %v", tc.w, tc.h, p, have, red)
			}
		}
	}
}

// TestMarks marks the right half of a photo, which is shrunk to a half.
func TestMarks(t *testing.T) {
	blue := color.NRGBA{0, 0, 0xff, 0xff}
	photo := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	s := Sheet{Rows: []Row{{Cells: []Cell{{Image: photo, Marks: []Mark{{image.Rect(100, 0, 200, 100), blue}}}}}}}
	box := s.layout(100).pictures[0].box
	sheet := s.Draw(100)
	for _, tc := range []struct {
		x, y   int
		marked bool
	}{
		{50, 0, true}, {50, 25, true}, {51, 25, true}, {99, 49, true}, {75, 0, true},
		{49, 25, false}, {55, 25, false}, {94, 44, false}, {75, 25, false},
	} {
		if have := sheet.NRGBAAt(box.Min.X+tc.x, box.Min.Y+tc.y) == blue; have != tc.marked {
			t.Errorf("pixel %d, %d is marked: have %v, want %v", tc.x, tc.y, have, tc.marked)
		}
	}
}
