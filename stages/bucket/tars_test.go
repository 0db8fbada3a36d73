package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// counted is a bucket that counts what is asked of it.
type counted struct {
	*Memory
	ranges atomic.Int32
}

func (c *counted) GetRange(ctx context.Context, key string, offset, n int64) ([]byte, Info, error) {
	c.ranges.Add(1)
	return c.Memory.GetRange(ctx, key, offset, n)
}

func fillWith(t *testing.T, objects map[string][]byte) *counted {
	t.Helper()
	b := &counted{Memory: new(Memory)}
	for key, data := range objects {
		if err := b.Put(t.Context(), key, data); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// classed writes files as "key class", without the dataset's name.
func classed(d *Dataset, files []File) (all []string) {
	for _, f := range files {
		class := "-"
		if f.Label >= 0 {
			class = d.Classes[f.Label]
		}
		all = append(all, strings.TrimPrefix(f.Key, d.Name+"/")+" "+class)
	}
	return all
}

// A tar counts as what is in it, where it lies.
func TestReadDatasetOfTars(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		objects              map[string][]byte
		classes, train, test []string
		others, broken       int
	}{
		{
			name:    "folders in tars",
			objects: map[string][]byte{"d/1.tar": pack(t, "dog/1.png", "cat/1.png"), "d/2.TAR": pack(t, "dog/1.png")},
			classes: []string{"cat", "dog"},
			train:   []string{"1.tar/cat/1.png cat", "1.tar/dog/1.png dog", "2.TAR/dog/1.png dog"},
		},
		{
			name: "a WebDataset",
			objects: map[string][]byte{
				"d/train/0.tar": pack(t, "01.jpg", "01.cls=10", "02.cls=9", "02.jpg"), "d/val/0.tar": pack(t, "03.jpg", "03.cls=9"),
			},
			classes: []string{"9", "10"},
			train:   []string{"train/0.tar/01.jpg 10", "train/0.tar/02.jpg 9"},
			test:    []string{"val/0.tar/03.jpg 9"},
		},
		{
			name:    "splits in a tar",
			objects: map[string][]byte{"d/all.tar": pack(t, "train/a/1.png", "train/b/1.png", "test/a/2.png", "README=text")},
			classes: []string{"a", "b"},
			train:   []string{"all.tar/train/a/1.png a", "all.tar/train/b/1.png b"},
			test:    []string{"all.tar/test/a/2.png a"},
			others:  1,
		},
		{
			name:    "beside images",
			objects: map[string][]byte{"d/a/1.png": []byte(pixels), "d/a/2.tar": pack(t, "3.png"), "d/b/x": []byte(pixels)},
			classes: []string{"a", "b"},
			train:   []string{"a/1.png a", "a/2.tar/3.png a", "b/x b"},
		},
		{
			name:    "a broken tar beside a whole one",
			objects: map[string][]byte{"d/0.tar": pack(t, "1.png", "2.png")[:1540], "d/1.tar": pack(t, "3.png"), "d/2.tar": []byte("text")},
			train:   []string{"0.tar/1.png -", "1.tar/3.png -"},
			broken:  2,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := fillWith(t, tc.objects)
			d, err := ReadDataset(t.Context(), b, nil, "d", nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(d.Classes, tc.classes) || !slices.Equal(classed(d, d.Train), tc.train) || !slices.Equal(classed(d, d.Test), tc.test) {
				t.Errorf("have classes %q, train %q, test %q", d.Classes, classed(d, d.Train), classed(d, d.Test))
			}
			if d.Others.Count != tc.others || d.Broken.Count != tc.broken {
				t.Errorf("have %d others, broken %v, want %d and %d", d.Others.Count, d.Broken, tc.others, tc.broken)
			}
			for _, f := range slices.Concat(d.Train, d.Test) {
				if data, err := f.Read(t.Context(), b); err != nil || string(data) != pixels {
					t.Errorf("%s: have %q, %v", f.Key, data, err)
				}
			}
		})
	}
}

func TestReadDatasetOfNoTar(t *testing.T) {
	b := fillWith(t, map[string][]byte{"d/a.tar": []byte("text")})
	_, err := ReadDataset(t.Context(), b, nil, "d", nil)
	if !errors.Is(err, ErrNoImages) || !strings.Contains(err.Error(), "d/a.tar: ") {
		t.Errorf("have %v, want %v, and which tar", err, ErrNoImages)
	}
}

// An index is made once, and again when its tar has changed.
func TestIndexIsKept(t *testing.T) {
	b, kept := fillWith(t, map[string][]byte{"d/a.tar": pack(t, "1.png"), "d/b.tar": pack(t, "2.png")}), new(Memory)
	read := func() *Dataset {
		t.Helper()
		b.ranges.Store(0)
		d, err := ReadDataset(t.Context(), b, kept, "d", nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := read()
	if b.ranges.Load() != 2 {
		t.Errorf("have %d requests, want one for each tar", b.ranges.Load())
	}
	if again := read(); b.ranges.Load() != 0 || !slices.Equal(again.Train, first.Train) {
		t.Errorf("have %d requests and %v the second time, want none and %v", b.ranges.Load(), again.Train, first.Train)
	}
	if err := b.Put(t.Context(), "d/b.tar", pack(t, "2.png", "3.png")); err != nil {
		t.Fatal(err)
	}
	if changed := read(); b.ranges.Load() != 1 || len(changed.Train) != 3 {
		t.Errorf("have %d requests and %v after a change, want one more", b.ranges.Load(), changed.Train)
	}
	if _, err := first.Train[1].Read(t.Context(), b); !errors.Is(err, ErrOther) {
		t.Errorf("reading a member of a tar that was changed: have %v, want %v", err, ErrOther)
	}
	for info, err := range kept.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if err := kept.Put(t.Context(), info.Key, []byte("no JSON")); err != nil {
			t.Fatal(err)
		}
	}
	if again := read(); b.ranges.Load() != 2 || len(again.Train) != 3 {
		t.Errorf("have %d requests and %v with broken indexes, want them made again", b.ranges.Load(), again.Train)
	}
}

// A large tar is read in blocks, and what is between two headers is not read
// where it is long.
func TestRanges(t *testing.T) {
	members := []string{"big.png=" + strings.Repeat("x", 3*tarBlock)}
	for i := range 5000 {
		members = append(members, fmt.Sprintf("%04d.png=%s", i, strings.Repeat("y", 1000+i)))
	}
	data := pack(t, members...)
	b := fillWith(t, map[string][]byte{"d/a.tar": data})
	d, err := ReadDataset(t.Context(), b, nil, "d", nil)
	if err != nil {
		t.Fatal(err)
	}
	if most := len(data)/tarBlock - 1; int(b.ranges.Load()) > most {
		t.Errorf("have %d requests for %d bytes, want at most %d", b.ranges.Load(), len(data), most)
	}
	if x := indexOf(t, data); len(d.Train) != 5001 || len(x.Images) != 5001 {
		t.Errorf("have %d images, want 5001", len(d.Train))
	}
	for _, f := range d.Train[:10] {
		read, err := f.Read(t.Context(), b)
		if err != nil || !bytes.Equal(read, bytes.Repeat([]byte("y"), int(f.Size))) {
			t.Errorf("%s: have %d bytes, %v", f.Key, len(read), err)
		}
	}
}
