package augmenter

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
)

// BenchmarkSimCLRPhoto makes samples of photos: from the bytes of each JPEG to
// the bytes of the message, two SimCLR views each. The photos are the JPEG
// files of the folder in SELFSTREAM_PHOTOS. It works on one core:
//
//	SELFSTREAM_PHOTOS=… taskset -c 0 go test -run '^$' -bench SimCLRPhoto -cpu 1 ./augmenter
//
// Images/cpu-s is by processor time, for machines that have more to do.
// bench/ has the same work for torchvision and OpenCV.
func BenchmarkSimCLRPhoto(b *testing.B) {
	var memory bucket.Memory
	images := readPhotos(b, &memory)
	for _, size := range []int{224, 96, 32} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			recipe := schemas.Recipe{Views: []schemas.View{simCLR(size), simCLR(size)}}
			each := max(1, (1<<20)/recipe.BytesPerImage()) // as trainer/plan cuts splits
			made, busy := 0, processorTime()
			b.ReportAllocs()
			for b.Loop() {
				split := schemas.Split{Run: "r", Index: made, Seed: 1, Recipe: recipe}
				for range each {
					split.Images = append(split.Images, images[made%len(images)])
					split.Images[len(split.Images)-1].ID = int64(made)
					made++
				}
				s, err := Make(b.Context(), split, &memory)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := schemas.Encode(s); err != nil {
					b.Fatal(err)
				}
				if len(s.Holes) > 0 {
					b.Fatalf("have holes %v, want none", s.Holes)
				}
			}
			b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(float64(made)/(processorTime()-busy).Seconds(), "images/cpu-s")
		})
	}
}

// simCLR is the recipe of Chen et al., 2020 at strength 0.4, with the crops of
// solo-learn.
func simCLR(size int) schemas.View {
	return schemas.View{
		Size: size, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 3. / 4, RatioMax: 4. / 3}, Flip: 0.5,
		Jitter: schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
		Gray:   0.2,
		Blur:   schemas.Blur{P: 0.5, SigmaMin: 0.1, SigmaMax: 2},
	}
}

// readPhotos fills a bucket with the photos to measure with.
func readPhotos(b *testing.B, to bucket.Bucket) (images []schemas.Image) {
	folder := os.Getenv("SELFSTREAM_PHOTOS")
	if folder == "" {
		b.Skip("set SELFSTREAM_PHOTOS to a folder of JPEG photos")
	}
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".jpg" && ext != ".jpeg" {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && decode.Sniff(data) == "jpeg" {
			images = append(images, put(b, to, 0, fmt.Sprintf("d/%06d.jpg", len(images)), data))
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if len(images) == 0 {
		b.Fatalf("no *.jpg below %s", folder)
	}
	return images
}

// processorTime is what this process has used so far, garbage collection
// included.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
