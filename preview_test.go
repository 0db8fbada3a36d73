package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"selfstream/trainer/method"
)

// TestPreview draws what each method there is shows the encoder.
func TestPreview(t *testing.T) {
	for _, name := range method.Names() {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x.png")
			code, said, complaint := selfstream(t, "preview", "--method", name, "--photos", "2", "--out", out)
			if want := fmt.Sprintf("wrote %s: 2 photos, ", out); code != 0 || !strings.HasPrefix(said, want) {
				t.Fatalf("have code %d, %q and %q, want %q", code, said, complaint, want)
			}
			f, err := os.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 400 {
				t.Errorf("have picture %v and error %v, want one of three columns", img.Bounds(), err)
			}
		})
	}
}
