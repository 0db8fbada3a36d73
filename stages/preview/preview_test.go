package preview

import (
	"bytes"
	"image"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/view"
)

func recipe(sizes ...int) schemas.Recipe {
	var r schemas.Recipe
	for _, size := range sizes {
		r.Views = append(r.Views, schemas.View{
			Size:   size,
			Crop:   schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3},
			Flip:   0.5,
			Jitter: schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
			Gray:   0.2,
		})
	}
	return r
}

func photo(id int64) Photo {
	img := view.NewRGB(80, 60)
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i >> 3)
	}
	return Photo{ID: id, Key: "train/a.jpg", Image: img}
}

// TestViewsAreTheRuns compares with the views that an augmenter makes.
func TestViewsAreTheRuns(t *testing.T) {
	r := recipe(32, 16)
	photos := []Photo{photo(0), photo(7)}
	s := Sheet("title", seed, r, photos)
	if have := len(s.Columns); have != 3 {
		t.Fatalf("have %d columns, want a photo and two views", have)
	}
	for i, p := range photos {
		row := s.Rows[i]
		if row.Cells[0].Image != p.Image || row.Caption != p.Key {
			t.Errorf("row %d: have %q and another picture, want %q", i, row.Caption, p.Key)
		}
		for j, v := range r.Views {
			key := view.Key(seed, 0, p.ID, j)
			want := make([]byte, 3*v.Size*v.Size)
			view.Render(want, p.Image, v, key)
			cell := row.Cells[1+j]
			if have := cell.Image.(*view.RGB).Pix; !bytes.Equal(have, want) {
				t.Errorf("photo %d, view %d: have other pixels than the run's, want the same", p.ID, j)
			}
			mark := row.Cells[0].Marks[j]
			if want := view.Draw(v, p.Image.W, p.Image.H, key).Box; mark.Box != want || mark.Color != cell.Frame {
				t.Errorf("photo %d, view %d: have mark %v, want %v in the colour of the view's frame", p.ID, j, mark.Box, want)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	plain := view.Drawn{Box: image.Rect(10, 20, 110, 90), Brightness: 1, Contrast: 1, Saturation: 1, Solarize: 256}
	for _, tc := range []struct {
		name   string
		change func(*view.Drawn)
		want   string
	}{
		{"crop", func(*view.Drawn) {}, "crop_100_×_70_at_10,_20"},
		{"flip", func(d *view.Drawn) { d.Flip = true }, "crop_100_×_70_at_10,_20, flipped"},
		{"jitter", func(d *view.Drawn) {
			d.Brightness, d.Contrast, d.Saturation, d.Hue, d.Order = 0.8, 1.25, 1.104, -0.05, [4]int{2, 3, 0, 1}
		}, "crop_100_×_70_at_10,_20, saturation_×1.10, hue_-18°, brightness_×0.80, contrast_×1.25"},
		{"the rest", func(d *view.Drawn) { d.Gray, d.Blur, d.Solarize = true, 0.75, 128 },
			"crop_100_×_70_at_10,_20, grey, blur_σ_0.75, solarized_from_128"},
	} {
		d := plain
		tc.change(&d)
		have := string(bytes.ReplaceAll([]byte(describe(d)), []byte(noBreak), []byte("_")))
		if have != tc.want {
			t.Errorf("%s: have %q, want %q", tc.name, have, tc.want)
		}
	}
}

func TestCellSize(t *testing.T) {
	for _, tc := range []struct {
		sizes []int
		want  int
	}{
		{[]int{32, 32}, 192},
		{[]int{64}, 192},
		{[]int{96, 32}, 192},
		{[]int{100}, 200},
		{[]int{224}, 224},
		{[]int{512}, 512},
		{nil, 200},
	} {
		if have := CellSize(recipe(tc.sizes...)); have != tc.want {
			t.Errorf("views of %v: have %d, want %d", tc.sizes, have, tc.want)
		}
	}
	for _, tc := range []struct {
		recipe schemas.Recipe
		want   int
	}{
		{schemas.Recipe{Pair: &schemas.Pair{Size: 16, Gap: 8, Jitter: 1}}, 3 * 66},
		{schemas.Recipe{Pair: &schemas.Pair{Size: 96, Gap: 48, Jitter: 7}}, 398},
		{schemas.Recipe{Pair: &schemas.Pair{Size: 1024, Gap: 512}}, 512},
		{schemas.Recipe{Jigsaw: &schemas.Jigsaw{Size: 16, Cell: 21}}, 3 * 63},
		{schemas.Recipe{Jigsaw: &schemas.Jigsaw{Size: 64, Cell: 85}}, 255},
	} {
		if have := CellSize(tc.recipe); have != tc.want {
			t.Errorf("have %d, want %d", have, tc.want)
		}
	}
}
