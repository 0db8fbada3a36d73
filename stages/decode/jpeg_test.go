package decode

import (
	"bytes"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

// TestPlanes: colours are the same by way of image/jpeg.
func TestPlanes(t *testing.T) {
	paths, err := filepath.Glob("jpeg/testdata/*.jpg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("have %d files, error %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			have, err := decodeJPEG(data, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			m, err := stdjpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if want := toRGB(m, "jpeg"); !bytes.Equal(have.Pix, want.Pix) {
				t.Error("have other colours than image/jpeg")
			}
		})
	}
}
