package augmenter

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// pack makes a tar of files called 000.jpg and so on, each with a class.
func pack(t testing.TB, files ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, data []byte) {
		err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644})
		if _, err2 := w.Write(data); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}
	for i, data := range files {
		add(fmt.Sprintf("%03d.jpg", i), data)
		add(fmt.Sprintf("%03d.cls", i), fmt.Append(nil, i%3))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listed are the images of the dataset "d" in b, as a split names them.
func listed(t testing.TB, b bucket.Bucket) (images []schemas.Image) {
	t.Helper()
	d, err := bucket.ReadDataset(t.Context(), b, nil, "d", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range d.Train {
		images = append(images, schemas.Image{ID: int64(i), Key: f.Key, Size: f.Size, ETag: f.ETag, Label: f.Label, Tar: f.Tar, Offset: f.Offset})
	}
	return images
}

// counting counts requests, and can fail them.
type counting struct {
	bucket.Getter
	gets, ranges atomic.Int32
	away         error
}

func (c *counting) Get(ctx context.Context, key string, limit int64) ([]byte, bucket.Info, error) {
	c.gets.Add(1)
	return c.Getter.Get(ctx, key, limit)
}

func (c *counting) GetRange(ctx context.Context, key string, offset, n int64) ([]byte, bucket.Info, error) {
	c.ranges.Add(1)
	if c.away != nil {
		return nil, bucket.Info{}, c.away
	}
	return c.Getter.GetRange(ctx, key, offset, n)
}

// Members of tars give the samples that the same files give as objects, and
// neighbours cost one request.
func TestMakeOfTars(t *testing.T) {
	var alone, packed bucket.Memory
	photos := [2][][]byte{}
	for i := range 60 {
		data := photo(40+i, 50, i)
		photos[i/30] = append(photos[i/30], data)
		put(t, &alone, int64(i), fmt.Sprintf("d/%03d.jpg", i), data)
	}
	put(t, &packed, 0, "d/a.tar", pack(t, photos[0]...))
	put(t, &packed, 0, "d/b.tar", pack(t, photos[1]...))

	some := func(images []schemas.Image, shuffle bool) schemas.Split {
		s := schemas.Split{Run: "r", Seed: 7, Recipe: recipe(32)}
		for _, at := range []int{0, 10, 35, 50} {
			for i := range 8 {
				s.Images = append(s.Images, images[at+(i*5+3)%8])
			}
		}
		for i := range s.Images {
			s.Images[i].Label = 0 // the one dataset has labels, the other none
		}
		for i := range s.Images {
			if j := i * 7 % len(s.Images); shuffle {
				s.Images[i], s.Images[j] = s.Images[j], s.Images[i]
			}
		}
		return s
	}
	for _, shuffle := range []bool{false, true} {
		want, err := Make(t.Context(), some(listed(t, &alone), shuffle), &alone)
		if err != nil {
			t.Fatal(err)
		}
		from := &counting{Getter: &packed}
		have, err := Make(t.Context(), some(listed(t, &packed), shuffle), from)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(marshal(t, have), marshal(t, want)) {
			t.Error("have other bytes of members of tars")
		}
		// Photos of 2 kB: 0–7 and 10–17 of the first tar, 5–12 and 20–27 of the second.
		if n := from.ranges.Load(); n > 4 || from.gets.Load() > 0 {
			t.Errorf("have %d requests for ranges and %d for objects, want at most 4 and none", n, from.gets.Load())
		}
	}
}

func TestMakeOfTarsLeavesOut(t *testing.T) {
	good := photo(64, 48, 1)
	files := [][]byte{good, photo(60, 60, 2), good[:len(good)/2], photo(50, 60, 3)}
	whole := pack(t, files...)
	for _, tc := range []struct {
		name   string
		after  func(t *testing.T, b *bucket.Memory) error
		joint  bool
		good   []int64
		reason string
	}{
		{"broken JPEG", func(*testing.T, *bucket.Memory) error { return nil }, true, []int64{0, 1, 3}, "jpeg"},
		{"tar is gone", func(t *testing.T, b *bucket.Memory) error { return b.Delete(t.Context(), "d/a.tar") }, true, nil, "missing"},
		{"tar has shrunk", func(t *testing.T, b *bucket.Memory) error { return b.Put(t.Context(), "d/a.tar", whole[:2048]) }, true, nil, "changed since the run began"},
		{"tar is another one", func(t *testing.T, b *bucket.Memory) error {
			other := slices.Clone(whole)
			other[600] ^= 1
			return b.Put(t.Context(), "d/a.tar", other)
		}, true, nil, "changed since the run began"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bucket.Memory
			put(t, &b, 0, "d/a.tar", whole)
			split := schemas.Split{Run: "r", Recipe: recipe(16), Images: listed(t, &b)}
			if err := tc.after(t, &b); err != nil {
				t.Fatal(err)
			}
			s, err := Make(t.Context(), split, &b)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.IDs, tc.good) || len(s.Holes) != 4-len(tc.good) || !strings.Contains(s.Holes[0].Reason, tc.reason) {
				t.Errorf("have ids %v, holes %v, want %v, and a reason with %q", s.IDs, s.Holes, tc.good, tc.reason)
			}
			// Whoever finds out, and however.
			for i, h := range s.Holes {
				alone := split
				alone.Images = slices.DeleteFunc(slices.Clone(split.Images), func(img schemas.Image) bool { return img.ID != h.ID })
				one, err := Make(t.Context(), alone, &b)
				if err != nil || len(one.Holes) != 1 || one.Holes[0] != s.Holes[i] {
					t.Errorf("image %d by itself: have %+v, %v, want hole %v", h.ID, one.Holes, err, h)
				}
			}
		})
	}
}

func TestMakeOfTarsFails(t *testing.T) {
	var b bucket.Memory
	put(t, &b, 0, "d/a.tar", pack(t, photo(64, 48, 1), photo(60, 60, 2)))
	from := &counting{Getter: &b, away: errors.New("server is away")}
	split := schemas.Split{Run: "r", Recipe: recipe(16), Images: listed(t, &b)}
	if _, err := Make(t.Context(), split, from); !errors.Is(err, from.away) {
		t.Errorf("have %v, want %v", err, from.away)
	}
}

// member is an image of a tar.
func member(id int64, tar string, offset, size int64) schemas.Image {
	return schemas.Image{ID: id, Key: fmt.Sprintf("%s/%d.jpg", tar, id), Tar: len(tar), Offset: offset, Size: size}
}

func TestJoin(t *testing.T) {
	const a, b = "d/a.tar", "d/b.tar"
	for _, tc := range []struct {
		name   string
		images []schemas.Image
		want   []string // "tar begin size" of each image; "" for one that is read by itself
	}{
		{"neighbours in any order", []schemas.Image{member(1, a, 5000, 1000), member(2, a, 512, 3000)}, []string{"d/a.tar 512 5488", "d/a.tar 512 5488"}},
		{"two tars", []schemas.Image{member(1, a, 512, 1000), member(2, b, 2048, 1000)}, []string{"", ""}},
		{"objects", []schemas.Image{{ID: 1, Key: "d/1.jpg", Size: 10}, {ID: 2, Key: "d/2.jpg", Size: 10}}, []string{"", ""}},
		{"far apart", []schemas.Image{member(1, a, 512, 1000), member(2, a, 1512+maxGap+1, 1000)}, []string{"", ""}},
		{"near enough", []schemas.Image{member(1, a, 512, 1000), member(2, a, 1512+maxGap, 1000)}, []string{"d/a.tar 512 34768", "d/a.tar 512 34768"}},
		{"large", []schemas.Image{member(1, a, 512, maxRead/2), member(2, a, 1024+maxRead/2, maxRead/2)}, []string{"", ""}},
		{"giant", []schemas.Image{member(1, a, 512, maxRead+1), member(2, a, 1024+maxRead, 10)}, []string{"", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reads := join(tc.images)
			for i, img := range tc.images {
				have := ""
				if r := reads[img.ID]; r != nil {
					have = fmt.Sprint(r.tar, " ", r.begin, " ", r.size)
				}
				if have != tc.want[i] {
					t.Errorf("image %d: have %q, want %q", img.ID, have, tc.want[i])
				}
			}
		})
	}
}

// What joint reads hold is bounded.
func TestJoinIsBounded(t *testing.T) {
	var images []schemas.Image
	for i := range int64(1000) {
		images = append(images, member(i, "d/a.tar", 512+i*100_512, 100_000))
	}
	held := map[*read]bool{}
	var bytes int64
	for _, r := range join(images) {
		if !held[r] {
			held[r] = true
			bytes += r.size
		}
		if r.size > maxRead {
			t.Errorf("have a read of %d bytes, want at most %d", r.size, maxRead)
		}
	}
	if bytes > maxJoint || bytes < maxJoint/2 {
		t.Errorf("have %d bytes of joint reads, want nearly %d", bytes, maxJoint)
	}
}
