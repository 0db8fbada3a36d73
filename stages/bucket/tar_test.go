package bucket

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

const pixels = "\x89PNG\r\n\x1a\n and so on"

// pack makes a tar of members: "name" with a PNG, "name=text" with text.
func pack(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		name, text, ok := strings.Cut(m, "=")
		if !ok {
			text = pixels
		}
		h := &tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// names are the images of an index, each with its class.
func names(x tarIndex) (all []string) {
	for _, img := range x.Images {
		all = append(all, strings.TrimSpace(img.Name+" "+img.Class))
	}
	return all
}

func indexOf(t testing.TB, data []byte) tarIndex {
	t.Helper()
	x, err := indexTar(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range x.Images {
		if img.Offset < block || img.Size < 0 || img.Offset+img.Size > int64(len(data)) {
			t.Fatalf("%s: have bytes %d+%d of %d", img.Name, img.Offset, img.Size, len(data))
		}
	}
	return x
}

func TestIndexTar(t *testing.T) {
	long := strings.Repeat("folder/", 40) + "x.png" // needs a header of its own
	for _, tc := range []struct {
		name    string
		members []string
		want    []string
		others  int
	}{
		{"flat", []string{"b.jpg", "a.png"}, []string{"b.jpg", "a.png"}, 0},
		{"folders", []string{"./cat/1.jpg", "/dog/1.jpg", "../up/1.jpg"}, []string{"cat/1.jpg", "dog/1.jpg", "up/1.jpg"}, 0},
		{"classes", []string{"0001.jpg", "0001.cls=7", "0001.json={}", "0002.cls=cat\n", "0002.jpg"}, []string{"0001.jpg 7", "0002.jpg cat"}, 1},
		{"several images of a sample", []string{"a/1.left.png", "a/1.right.png", "a/1.cls=3"}, []string{"a/1.left.png 3", "a/1.right.png 3"}, 0},
		{"no class", []string{"1.jpg", "1.cls=", "2.jpg", "2.cls=a\nb", "3.jpg", "3.cls=\xff", "4.jpg", "4.cls=" + strings.Repeat("x", 257)}, []string{"1.jpg", "2.jpg", "3.jpg", "4.jpg"}, 1},
		{"content, not name", []string{"no-extension", "text=text", "empty="}, []string{"no-extension"}, 2},
		{"hidden", []string{".a.jpg", "b/.c/d.jpg", "b/._e.jpg", "f.jpg"}, []string{"f.jpg"}, 0},
		{"the last of a name", []string{"a.png=old", "b.png", "a.png=newer"}, []string{"a.png", "b.png"}, 0},
		{"long name", []string{long, "last.jpg"}, []string{long, "last.jpg"}, 0},
		{"other letters", []string{"りんご/ä.jpg", "bad\xff.jpg"}, []string{"りんご/ä.jpg"}, 1},
		{"nothing", nil, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := pack(t, tc.members...)
			x := indexOf(t, data)
			if have := names(x); !slices.Equal(have, tc.want) || x.Others.Count != tc.others || len(x.Broken) > 0 {
				t.Errorf("have %q, %d others, %q, want %q, %d others, nothing broken", have, x.Others.Count, x.Broken, tc.want, tc.others)
			}
			for _, img := range x.Images {
				if have := string(data[img.Offset : img.Offset+img.Size]); have != pixels && have != "newer" {
					t.Errorf("%s: have %q", img.Name, have)
				}
			}
		})
	}
}

// A damage costs what is damaged, and is told.
func TestIndexBrokenTar(t *testing.T) {
	whole := pack(t, "0.png", "1.png", "2.png", "3.png") // 1 KiB each
	damage := func(at ...int) []byte {
		b := slices.Clone(whole)
		for _, i := range at {
			b[i] ^= 0x55
		}
		return b
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(whole); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		data   []byte
		want   []string
		broken string
	}{
		{"whole", whole, []string{"0.png", "1.png", "2.png", "3.png"}, ""},
		{"without its end", whole[:4096], []string{"0.png", "1.png", "2.png", "3.png"}, ""},
		{"cut in a member", whole[:2048+520], []string{"0.png", "1.png"}, "cut off: the member at byte 2048 is not whole"},
		{"cut in a header", whole[:2048+100], []string{"0.png", "1.png"}, "cut off: the member at byte 2048"},
		{"first header", damage(5), []string{"1.png", "2.png", "3.png"}, "bytes 0 to 1024 are damaged"},
		{"a header", damage(1024 + 130), []string{"0.png", "2.png", "3.png"}, "bytes 1024 to 2048 are damaged"},
		{"two headers", damage(1024+130, 2048+1), []string{"0.png", "3.png"}, "bytes 1024 to 3072 are damaged"},
		{"last header", damage(3072), []string{"0.png", "1.png", "2.png"}, "damaged from byte 3072 to its end"},
		{"pixels", damage(1024 + 515), []string{"0.png", "1.png", "2.png", "3.png"}, ""}, // which decoding tells
		{"text", []byte(strings.Repeat("not a tar. ", 500)), nil, "it is no tar"},
		{"short", []byte("no"), nil, "cut off"},
		{"empty", nil, nil, "it is empty"},
		{"compressed", zipped.Bytes(), nil, "it is compressed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := indexOf(t, tc.data)
			if have := names(x); !slices.Equal(have, tc.want) {
				t.Errorf("have %q, want %q", have, tc.want)
			}
			if have := strings.Join(x.Broken, "; "); (have == "") != (tc.broken == "") || !strings.Contains(have, tc.broken) {
				t.Errorf("broken: have %q, want %q", have, tc.broken)
			}
		})
	}
}

// failing fails at a byte, for a reason of its own.
type failing struct {
	*bytes.Reader
	at int64
}

func (f failing) Read(p []byte) (int, error) {
	if f.Size()-int64(f.Len()) >= f.at {
		return 0, io.ErrClosedPipe
	}
	return f.Reader.Read(p)
}

// What may work later is an error, and no damage.
func TestIndexTarFails(t *testing.T) {
	data := pack(t, "0.png", "1", "2.cls=2", "3.png")
	for at := int64(0); at < 4096; at += block {
		if x, err := indexTar(failing{bytes.NewReader(data), at}, int64(len(data))); err == nil {
			t.Errorf("fails at %d: have %+v, want an error", at, x)
		}
	}
}

func FuzzIndexTar(f *testing.F) {
	whole := pack(f, "a/1.png", "a/1.cls=3", strings.Repeat("long/", 60)+"x.jpg", "text=text", "2.png")
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(bytes.Repeat(whole, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := indexOf(t, data)
		if len(x.Images) > len(data)/block || len(x.Broken) > len(data)/block+1 {
			t.Fatal(fmt.Sprint("have more images or damages than blocks: ", x))
		}
	})
}
