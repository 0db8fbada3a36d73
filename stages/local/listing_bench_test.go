package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"selfstream/stages/bucket"
)

// BenchmarkListing reads a dataset of many small objects, in many folders and
// in one. SELFSTREAM_OBJECTS says how many, 10,000 by default; a million take
// minutes to lay out.
func BenchmarkListing(b *testing.B) {
	objects := 10_000
	if text := os.Getenv("SELFSTREAM_OBJECTS"); text != "" {
		var err error
		if objects, err = strconv.Atoi(text); err != nil {
			b.Fatal("SELFSTREAM_OBJECTS:", err)
		}
	}
	for _, perFolder := range []int{1000, objects} {
		b.Run(fmt.Sprintf("objects=%d/folder=%d", objects, perFolder), func(b *testing.B) {
			l := start(b, Options{Dir: b.TempDir()})
			layOut(b, filepath.Join(l.S3.Dir, "datasets", "many"), objects, perFolder)
			s3 := open(b, l, "datasets")
			for b.Loop() {
				d, err := bucket.ReadDataset(b.Context(), s3, nil, "many", nil)
				if err != nil {
					b.Fatal(err)
				}
				if len(d.Train) != objects {
					b.Fatalf("images: have %d, want %d", len(d.Train), objects)
				}
			}
			b.ReportMetric(float64(objects)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

// layOut writes files of a few bytes, which listings take for images.
func layOut(b *testing.B, dir string, objects, perFolder int) {
	b.Helper()
	for i := range objects {
		folder := filepath.Join(dir, fmt.Sprintf("%04d", i/perFolder))
		if i%perFolder == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%07d.jpg", i)), []byte("image"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}
