package augmenter

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/decode"
	"selfstream/stages/view"
)

// photo is a JPEG of w×h pixels that is like no other seed's.
func photo(w, h, seed int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x*3 + seed*17), uint8(y*5 + seed*29), uint8(x*y + seed), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // of a buffer
	}
	return b.Bytes()
}

// giant is a PNG that claims 100,000×100,000 pixels in 33 bytes.
func giant() []byte {
	ihdr := []byte("IHDR\x00\x01\x86\xa0\x00\x01\x86\xa0\x08\x02\x00\x00\x00")
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(png, crc32.ChecksumIEEE(ihdr))
}

// recipe has two views that leave nothing as it is.
func recipe(size int) schemas.Recipe {
	v := schemas.View{
		Size: size, Crop: schemas.Crop{ScaleMin: 0.2, ScaleMax: 1, RatioMin: 0.75, RatioMax: 4. / 3}, Flip: 0.5,
		Jitter: schemas.Jitter{P: 0.8, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1}, Gray: 0.2,
		Blur: schemas.Blur{P: 0.5, SigmaMin: 0.1, SigmaMax: 2},
	}
	second := v
	second.Size, second.Solarize = size/2, schemas.Solarize{P: 0.2, Threshold: 128}
	return schemas.Recipe{Views: []schemas.View{v, second}}
}

// put writes an object and returns it as a split names it.
func put(t testing.TB, b bucket.Bucket, id int64, key string, data []byte) schemas.Image {
	t.Helper()
	if err := b.Put(t.Context(), key, data); err != nil {
		t.Fatal(err)
	}
	_, info, err := b.Get(t.Context(), key, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Image{ID: id, Key: key, Size: info.Size, ETag: info.ETag, Label: int32(id % 3)}
}

// photos fills a bucket and returns a split of n images of it, their ids
// falling.
func photos(t testing.TB, b bucket.Bucket, n int) schemas.Split {
	t.Helper()
	s := schemas.Split{Run: "r", Epoch: 2, Index: 5, Seed: 7, Recipe: recipe(32)}
	for id := range n {
		s.Images = append(s.Images, put(t, b, int64(id), fmt.Sprintf("d/%03d.jpg", id), photo(60+id, 50, id)))
	}
	slices.Reverse(s.Images)
	return s
}

func marshal(t testing.TB, s *schemas.Samples) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Rows come in the order of the split, and hold what package view makes.
func TestMake(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 40)
	s, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	if s.Run != "r" || s.Epoch != 2 || s.Index != 5 || s.Fingerprint != Fingerprint() || len(s.Holes) != 0 {
		t.Errorf("have run %s, split %d.%d, fingerprint %q, holes %v", s.Run, s.Epoch, s.Index, s.Fingerprint, s.Holes)
	}
	for row, img := range split.Images {
		if s.IDs[row] != img.ID || s.Labels[row] != img.Label {
			t.Errorf("row %d: have id %d, label %d, want %d, %d", row, s.IDs[row], s.Labels[row], img.ID, img.Label)
		}
		data, _, err := b.Get(t.Context(), img.Key, img.Size)
		if err != nil {
			t.Fatal(err)
		}
		key := view.ImageKey(7, 2, img.ID)
		src, err := new(decode.Decoder).Source(data, decode.DefaultLimits(), func(w, h int) []view.Need {
			return view.Needs(split.Recipe, w, h, key)
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range split.Recipe.Views {
			n := v.Size * v.Size * 3
			want := make([]byte, n)
			view.Render(want, src, v, key.Fold(uint64(i)))
			if have := s.Views[i].Data[row*n:][:n]; s.Views[i].Size != v.Size || !bytes.Equal(have, want) {
				t.Errorf("row %d, view %d: have other pixels than package view makes", row, i)
			}
		}
	}
}

// getter is a bucket that is read by a function.
type getter func(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error)

func (g getter) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	return g(ctx, key, limit)
}

func (g getter) GetRange(context.Context, string, int64, int64) ([]byte, bucket.Info, error) {
	return nil, bucket.Info{}, errors.New("no ranges here")
}

// The order in which files arrive does not matter.
func TestMakeInAnyOrder(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, filesAhead)
	straight, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	// Files are let through from the last to the first.
	turn := map[string]chan struct{}{}
	for _, img := range split.Images {
		turn[img.Key] = make(chan struct{})
	}
	last := len(split.Images) - 1
	close(turn[split.Images[last].Key])
	reverse := func(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
		<-turn[key]
		i := slices.IndexFunc(split.Images, func(img schemas.Image) bool { return img.Key == key })
		if i > 0 {
			defer close(turn[split.Images[i-1].Key])
		}
		return b.Get(ctx, key, limit)
	}
	reversed, err := Make(t.Context(), split, getter(reverse))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(marshal(t, straight), marshal(t, reversed)) {
		t.Error("have other bytes when files arrive in another order")
	}
}

func TestMakeLeavesOut(t *testing.T) {
	var b bucket.Memory
	good := photo(64, 48, 1)
	changed := func(t *testing.T, id int64, data []byte) schemas.Image {
		img := put(t, &b, id, fmt.Sprintf("changed-%d.jpg", id), good)
		put(t, &b, id, img.Key, data)
		return img
	}
	other := slices.Clone(good)
	other[len(other)/2] ^= 1
	for _, tc := range []struct {
		name   string
		broken func(t *testing.T) schemas.Image
		reason string // a part of it
	}{
		{"truncated JPEG", func(t *testing.T) schemas.Image { return put(t, &b, 1, "cut.jpg", good[:len(good)/2]) }, "jpeg"},
		{"empty file", func(t *testing.T) schemas.Image { return put(t, &b, 1, "empty.jpg", nil) }, "empty"},
		{"text", func(t *testing.T) schemas.Image { return put(t, &b, 1, "text.jpg", []byte("not a picture")) }, "not an image"},
		{"giant", func(t *testing.T) schemas.Image { return put(t, &b, 1, "giant.png", giant()) }, "100000×100000"},
		{"too many bytes", func(t *testing.T) schemas.Image {
			return schemas.Image{ID: 1, Key: "large.jpg", Size: decode.DefaultLimits().Bytes + 1}
		}, "more than the limit"},
		{"missing", func(*testing.T) schemas.Image { return schemas.Image{ID: 1, Key: "gone.jpg", Size: 10} }, "missing"},
		{"grown", func(t *testing.T) schemas.Image { return changed(t, 2, append(good, 0)) }, "changed"},
		{"shrunk", func(t *testing.T) schemas.Image { return changed(t, 3, good[:100]) }, "changed"},
		{"replaced", func(t *testing.T) schemas.Image { return changed(t, 4, other) }, "changed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			broken := tc.broken(t)
			split := schemas.Split{Run: "r", Recipe: recipe(16), Images: []schemas.Image{
				put(t, &b, 10, "a.jpg", good), broken, put(t, &b, 11, "b.jpg", photo(70, 70, 2)),
			}}
			s, err := Make(t.Context(), split, &b)
			if err != nil {
				t.Fatal(err)
			}
			if want := []int64{10, 11}; !slices.Equal(s.IDs, want) {
				t.Errorf("ids: have %v, want %v", s.IDs, want)
			}
			if len(s.Holes) != 1 || s.Holes[0].ID != broken.ID || s.Holes[0].Key != broken.Key {
				t.Fatalf("holes: have %v, want image %d", s.Holes, broken.ID)
			}
			if have := s.Holes[0].Reason; !strings.Contains(have, tc.reason) {
				t.Errorf("reason: have %q, want it to say %q", have, tc.reason)
			}
			again, err := Make(t.Context(), split, &b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(marshal(t, s), marshal(t, again)) {
				t.Error("have other bytes the second time")
			}
			// A hole leaves no trace in the pixels.
			split.Images = slices.Delete(split.Images, 1, 2)
			without, err := Make(t.Context(), split, &b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(s.Views[1].Data, without.Views[1].Data) {
				t.Error("have other pixels beside a hole")
			}
		})
	}
}

// All images may be broken.
func TestMakeNothing(t *testing.T) {
	var b bucket.Memory
	split := schemas.Split{Run: "r", Recipe: recipe(16), Images: []schemas.Image{{ID: 3, Key: "gone.jpg"}}}
	s, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	if len(marshal(t, s)) == 0 || len(s.IDs) != 0 || len(s.Holes) != 1 {
		t.Errorf("have ids %v, holes %v, want one hole", s.IDs, s.Holes)
	}
}

// What may work later is an error, not a hole.
func TestMakeFails(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 50)
	away := errors.New("server is away")
	fetch := func(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
		if key == split.Images[30].Key {
			return nil, bucket.Info{}, away
		}
		return b.Get(ctx, key, limit)
	}
	if _, err := Make(t.Context(), split, getter(fetch)); !errors.Is(err, away) {
		t.Errorf("have %v, want %v", err, away)
	}
	ctx, cancel := context.WithCancel(t.Context())
	fetch = func(ctx context.Context, key string, _ int64) ([]byte, bucket.Info, error) {
		cancel()
		<-ctx.Done()
		return nil, bucket.Info{}, ctx.Err()
	}
	if _, err := Make(ctx, split, getter(fetch)); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v, want %v", err, context.Canceled)
	}
}

// Files are fetched ahead, within bounds.
func TestMakeFetchesAhead(t *testing.T) {
	for _, tc := range []struct {
		name string
		size int64 // of each file
		most int32 // on their way at once
	}{
		{"small files", 1000, filesAhead + 2}, // the queue, one that is waited for, one that waits to get in
		{"large files", bytesAhead/4 + 1, 3},
		{"huge files", bytesAhead + 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var images []schemas.Image
			for id := range int64(100) {
				images = append(images, schemas.Image{ID: id, Key: "k", Size: tc.size})
			}
			var out, most atomic.Int32
			m := maker{stats: new(Stats), from: getter(func(context.Context, string, int64) ([]byte, bucket.Info, error) {
				n := out.Add(1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				return nil, bucket.Info{Size: tc.size}, nil
			})}
			used := 0
			err := m.files(t.Context(), images, func(schemas.Image, file) { out.Add(-1); used++ })
			if err != nil {
				t.Fatal(err)
			}
			if have := most.Load(); have > tc.most {
				t.Errorf("files at once: have %d, want at most %d", have, tc.most)
			}
			if used != len(images) {
				t.Errorf("files: have %d, want %d", used, len(images))
			}
		})
	}
}

// While one file is decoded, others are fetched: the first is not done with
// before requests for all that may be ahead have been made.
func TestMakeFetchesWhileDecoding(t *testing.T) {
	var images []schemas.Image
	for id := range int64(filesAhead) {
		images = append(images, schemas.Image{ID: id, Key: "k", Size: 10})
	}
	asked := make(chan struct{}, len(images))
	m := maker{stats: new(Stats), from: getter(func(context.Context, string, int64) ([]byte, bucket.Info, error) {
		asked <- struct{}{}
		return nil, bucket.Info{Size: 10}, nil
	})}
	err := m.files(t.Context(), images, func(image schemas.Image, _ file) {
		for range images {
			if image.ID == 0 {
				<-asked // for ever, if nothing is fetched meanwhile
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkMake(b *testing.B) {
	for _, size := range []int{64, 256, 512} {
		b.Run(fmt.Sprintf("jpeg=%d", size), func(b *testing.B) {
			var memory bucket.Memory
			split := schemas.Split{Run: "r", Recipe: recipe(96)}
			for id := range int64(20) {
				split.Images = append(split.Images, put(b, &memory, id, fmt.Sprint(id), photo(size, size, int(id))))
			}
			for b.Loop() {
				if _, err := Make(b.Context(), split, &memory); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(split.Images))/b.Elapsed().Seconds(), "images/s")
		})
	}
}
