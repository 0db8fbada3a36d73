package board

import (
	"bytes"
	"image/jpeg"
	"image/png"
	"log/slog"
	"strings"
	"testing"

	"selfstream/augmenter"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/scenes"
)

// TestSight: what the page shows are the bits that an augmenter sends, and it
// says so if they are not.
func TestSight(t *testing.T) {
	datasets := new(bucket.Memory)
	src := &source{seed: 3, recipe: schemas.Recipe{Views: []schemas.View{
		{Size: 16, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}, Flip: 0.5},
		{Size: 16, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}, Gray: 0.5},
	}}}
	for key, file := range scenes.All(1, 1, 0) {
		if len(src.images)%2 == 0 { // of which an augmenter decodes a part
			file = asJPEG(t, file)
		}
		if err := datasets.Put(t.Context(), key, file); err != nil {
			t.Fatal(err)
		}
		src.images = append(src.images, schemas.Image{ID: int64(len(src.images)), Key: key, Size: int64(len(file)), Label: -1})
	}
	b := &board{Config: Config{Datasets: datasets, Log: slog.New(slog.DiscardHandler)}}
	sent, err := augmenter.Make(t.Context(), schemas.Split{Run: "r", Epoch: 2, Seed: src.seed, Recipe: src.recipe, Images: src.images[:3]}, datasets)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := b.sight(t.Context(), src, 2, sent.IDs, "Note.", sent)
	if err != nil {
		t.Fatal(err)
	}
	if len(seen.Rows) != 3 || len(seen.Rows[0].Cells) != 3 || len(seen.Rows[0].Cells[0].Marks) != 2 {
		t.Errorf("have %+v, want three images with two views each", seen.Rows)
	}
	if !strings.HasSuffix(seen.Note, "the same bits.") {
		t.Errorf("have %q, want the same bits", seen.Note)
	}
	sent.Views[1].Data[3*16*16+7] ^= 1 // of the second image
	if seen, err = b.sight(t.Context(), src, 2, sent.IDs, "Note.", sent); err != nil || !strings.Contains(seen.Note, "1 of 3 images have other bits") {
		t.Errorf("have %q and %v, want one image with other bits", seen.Note, err)
	}
	if seen, err = b.sight(t.Context(), src, 1, sent.IDs, "Note.", sent); err != nil || !strings.Contains(seen.Note, "3 of 3") {
		t.Errorf("another epoch: have %q and %v, want other bits", seen.Note, err)
	}
	if _, err = b.sight(t.Context(), src, 0, []int64{99}, "", nil); err == nil {
		t.Error("have no error for an image that is not in the manifest")
	}
}

func asJPEG(t *testing.T, file []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, nil); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
