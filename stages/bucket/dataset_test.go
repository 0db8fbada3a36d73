package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"selfstream/stages/bucket"
)

const png = "\x89PNG\r\n\x1a\n and so on"

// fill puts objects into a new bucket: "key" with a PNG, "key=text" with text.
func fill(t *testing.T, objects ...string) *bucket.Memory {
	t.Helper()
	b := new(bucket.Memory)
	for _, o := range objects {
		key, text, ok := strings.Cut(o, "=")
		if !ok {
			text = png
		}
		if err := b.Put(t.Context(), key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// lines writes files as "key label", without the dataset's name.
func lines(d *bucket.Dataset, files []bucket.File) []string {
	var out []string
	for _, f := range files {
		label := "-"
		if f.Label >= 0 {
			label = d.Classes[f.Label]
		}
		out = append(out, strings.TrimPrefix(f.Key, d.Name+"/")+" "+label)
	}
	return out
}

func TestReadDataset(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		objects              []string
		classes, train, test []string
		others, unused       int
	}{
		{
			name:    "flat",
			objects: []string{"d/b.jpg", "d/a.jpg", "d/c.JPEG"},
			train:   []string{"a.jpg -", "b.jpg -", "c.JPEG -"},
		},
		{
			name:    "classes",
			objects: []string{"d/dog/1.png", "d/cat/2.png", "d/cat/1.png"},
			classes: []string{"cat", "dog"},
			train:   []string{"cat/1.png cat", "cat/2.png cat", "dog/1.png dog"},
		},
		{
			name:    "deeper folders do not matter",
			objects: []string{"d/cat/2023/01/1.png", "d/cat/2.png", "d/dog/cat/1.png"},
			classes: []string{"cat", "dog"},
			train:   []string{"cat/2.png cat", "cat/2023/01/1.png cat", "dog/cat/1.png dog"},
		},
		{
			name:    "one folder is no label",
			objects: []string{"d/DCIM/100CANON/1.jpg", "d/DCIM/101CANON/2.jpg", "d/cover.jpg"},
			train:   []string{"DCIM/100CANON/1.jpg -", "DCIM/101CANON/2.jpg -", "cover.jpg -"},
		},
		{
			name:    "train and val",
			objects: []string{"d/train/cat/1.png", "d/train/dog/1.png", "d/val/dog/2.png", "d/val/eel/1.png"},
			classes: []string{"cat", "dog", "eel"},
			train:   []string{"train/cat/1.png cat", "train/dog/1.png dog"},
			test:    []string{"val/dog/2.png dog", "val/eel/1.png eel"},
		},
		{
			name:    "train and test",
			objects: []string{"d/train/cat/1.png", "d/train/dog/1.png", "d/test/dog/2.png"},
			classes: []string{"cat", "dog"},
			train:   []string{"train/cat/1.png cat", "train/dog/1.png dog"},
			test:    []string{"test/dog/2.png dog"},
		},
		{
			name:    "val before test",
			objects: []string{"d/train/a/1.png", "d/train/b/1.png", "d/test/a/2.png", "d/test/c/3.png", "d/val/b/2.png", "d/stray.png"},
			classes: []string{"a", "b"},
			train:   []string{"train/a/1.png a", "train/b/1.png b"},
			test:    []string{"val/b/2.png b"},
			unused:  3,
		},
		{
			name:    "train alone",
			objects: []string{"d/train/a/1.png", "d/train/b/1.png", "d/logo.png", "d/labels.csv=a,b"},
			classes: []string{"a", "b"},
			train:   []string{"train/a/1.png a", "train/b/1.png b"},
			others:  1,
			unused:  1,
		},
		{
			name:    "a class of trains",
			objects: []string{"d/car/1.png", "d/plane/1.png", "d/train/1.png"},
			classes: []string{"car", "plane", "train"},
			train:   []string{"car/1.png car", "plane/1.png plane", "train/1.png train"},
		},
		{
			name:    "a folder of labels does not make train a class",
			objects: []string{"d/train/a/1.png", "d/train/b/1.png", "d/annotations/a.txt=box"},
			classes: []string{"a", "b"},
			train:   []string{"train/a/1.png a", "train/b/1.png b"},
			others:  1,
		},
		{
			name:    "no train",
			objects: []string{"d/val/1.png", "d/test/1.png"},
			classes: []string{"test", "val"},
			train:   []string{"test/1.png test", "val/1.png val"},
		},
		{
			name:    "unlabelled beside labelled",
			objects: []string{"d/train/1.png", "d/train/a/1.png", "d/train/b/1.png", "d/val/1.png"},
			classes: []string{"a", "b"},
			train:   []string{"train/1.png -", "train/a/1.png a", "train/b/1.png b"},
			test:    []string{"val/1.png -"},
		},
		{
			name: "content, not name",
			objects: []string{
				"d/a/no-extension", "d/a/wrong.txt=\xff\xd8\xff\xe0", "d/b/x.dat=RIFF\x00\x00\x00\x00WEBPVP8 ", "d/b/y=GIF89a",
				"d/a/notes=BUY MILK", "d/b/README.md=#", "d/b/empty=",
			},
			classes: []string{"a", "b"},
			train:   []string{"a/no-extension a", "a/wrong.txt a", "b/x.dat b", "b/y b"},
			others:  3,
		},
		{
			name:    "believed until decoded",
			objects: []string{"d/text.jpg=text", "d/empty.png=", "d/x.webp", "d/x.gif", "d/x.bmp", "d/x.tif", "d/x.tiff", "d/x.jpe"},
			train:   []string{"empty.png -", "text.jpg -", "x.bmp -", "x.gif -", "x.jpe -", "x.tif -", "x.tiff -", "x.webp -"},
		},
		{
			name:    "hidden",
			objects: []string{"d/1.jpg", "d/.2.jpg", "d/.git/3.jpg", "d/a/.thumbs/4.jpg", "d/__MACOSX/._1.jpg", "d/.DS_Store=x", "d/a..b.jpg"},
			train:   []string{"1.jpg -", "a..b.jpg -"},
		},
		{
			name:    "an image called train is no folder",
			objects: []string{"d/train", "d/a/1.jpg", "d/b/1.jpg"},
			classes: []string{"a", "b"},
			train:   []string{"a/1.jpg a", "b/1.jpg b", "train -"},
		},
		{
			name:    "names",
			objects: []string{"d/grüne Äpfel/ein Apfel.jpg", "d/りんご/1.jpg", "d/a b/c d e.jpg", "d2/other.jpg", "d.jpg", "da/1.jpg"},
			classes: []string{"a b", "grüne Äpfel", "りんご"},
			train:   []string{"a b/c d e.jpg a b", "grüne Äpfel/ein Apfel.jpg grüne Äpfel", "りんご/1.jpg りんご"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := bucket.ReadDataset(t.Context(), fill(t, tc.objects...), nil, "d", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				what       string
				have, want []string
			}{
				{"Classes", d.Classes, tc.classes},
				{"Train", lines(d, d.Train), tc.train},
				{"Test", lines(d, d.Test), tc.test},
			} {
				if !slices.Equal(c.have, c.want) {
					t.Errorf("%s: have %q, want %q", c.what, c.have, c.want)
				}
			}
			if d.Others.Count != tc.others || d.Unused.Count != tc.unused {
				t.Errorf("have %d others, %d unused, want %d and %d", d.Others.Count, d.Unused.Count, tc.others, tc.unused)
			}
		})
	}
}

func TestReadDatasetKeepsInfo(t *testing.T) {
	b := fill(t, "d/x.jpg=12345")
	d, err := bucket.ReadDataset(t.Context(), b, nil, "d", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, info, _ := b.Get(t.Context(), "d/x.jpg", 10)
	want := bucket.File{Key: "d/x.jpg", Size: 5, ETag: info.ETag, Label: -1}
	if d.Train[0] != want || info.ETag == "" {
		t.Errorf("have %+v, want %+v", d.Train[0], want)
	}
}

func TestReadDatasetNamesOthersOnce(t *testing.T) {
	objects := []string{"d/x.jpg"}
	for i := range 20 {
		objects = append(objects, fmt.Sprintf("d/%02d.txt=text", i))
	}
	d, err := bucket.ReadDataset(t.Context(), fill(t, objects...), nil, "d", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"d/00.txt", "d/01.txt", "d/02.txt", "d/03.txt", "d/04.txt"}
	if d.Others.Count != 20 || !slices.Equal(d.Others.Names, want) {
		t.Errorf("have %+v, want 20, of which %q", d.Others, want)
	}
}

func TestReadDatasetRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, dataset string
		objects       []string
		want          []string // in the message
	}{
		{"nothing there", "d", []string{"other/1.jpg"}, []string{"dataset d", "nothing lies below d/", "check the name"}},
		{"no image", "d", []string{"d/a.txt=text", "d/b.csv=1,2"}, []string{"dataset d", "2 files", "d/a.txt, d/b.csv", "JPEG"}},
		{"only hidden", "d", []string{"d/.a.jpg"}, []string{"nothing lies below d/"}},
		{"bad name", "../d", nil, []string{"name", "../d"}},
		{"no name", "", []string{"a.jpg"}, []string{"name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := bucket.ReadDataset(t.Context(), fill(t, tc.objects...), nil, tc.dataset, nil)
			if err == nil {
				t.Fatal("have no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have error %q, want one with %q", err, want)
				}
			}
		})
	}
}

// markers is a bucket with the empty objects that some tools put in place of
// folders, and with an object that is gone when it is looked into.
type markers struct{ *bucket.Memory }

func (m markers) List(ctx context.Context, prefix string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) {
		for _, key := range []string{"d/", "d/a/", "d/gone", "d/x.jpg"} {
			if !yield(bucket.Info{Key: key}, nil) {
				return
			}
		}
	}
}

func TestReadDatasetSkipsMarkers(t *testing.T) {
	d, err := bucket.ReadDataset(t.Context(), markers{new(bucket.Memory)}, nil, "d", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 1 || d.Train[0].Key != "d/x.jpg" || d.Others.Count != 1 {
		t.Errorf("have %+v, want only d/x.jpg, and d/gone among the others", d)
	}
}

// broken is a bucket that fails while it is listed or looked into.
type broken struct {
	*bucket.Memory
	list, peek error
}

func (b broken) List(ctx context.Context, prefix string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) {
		for info, err := range b.Memory.List(ctx, prefix) {
			if !yield(info, err) {
				return
			}
		}
		if b.list != nil {
			yield(bucket.Info{}, b.list)
		}
	}
}

func (b broken) GetRange(context.Context, string, int64, int64) ([]byte, bucket.Info, error) {
	return nil, bucket.Info{}, b.peek
}

func TestReadDatasetFails(t *testing.T) {
	boom := errors.New("boom")
	for _, b := range []broken{{list: boom}, {peek: boom}} {
		b.Memory = fill(t, "d/x.jpg", "d/y")
		if _, err := bucket.ReadDataset(t.Context(), b, nil, "d", nil); !errors.Is(err, boom) {
			t.Errorf("have error %v, want %v", err, boom)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bucket.ReadDataset(ctx, fill(t, "d/x.jpg"), nil, "d", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("have error %v, want %v", err, context.Canceled)
	}
}

// endless yields n keys without keeping them.
type endless struct {
	bucket.Memory
	n int
}

func (e *endless) List(context.Context, string) iter.Seq2[bucket.Info, error] {
	return func(yield func(bucket.Info, error) bool) {
		for i := range e.n {
			ext := ".jpg"
			if i%100 == 0 {
				ext = ""
			}
			if !yield(bucket.Info{Key: fmt.Sprintf("d/train/class%03d/%07d%s", i*1000/e.n, i, ext), Size: 1000}, nil) {
				return
			}
		}
	}
}

func (e *endless) GetRange(context.Context, string, int64, int64) ([]byte, bucket.Info, error) {
	return []byte(png), bucket.Info{}, nil
}

// TestReadDatasetLarge takes seconds, and would take hours if anything in it
// were quadratic.
func TestReadDatasetLarge(t *testing.T) {
	const n = 300_000
	last, calls := 0, 0
	d, err := bucket.ReadDataset(t.Context(), &endless{n: n}, nil, "d", func(found int) {
		if found < last {
			t.Errorf("progress: have %d after %d", found, last)
		}
		last = found
		calls++
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != n || len(d.Classes) != 1000 || d.Train[n-1].Label != 999 {
		t.Errorf("have %d images, %d classes", len(d.Train), len(d.Classes))
	}
	if last != n || calls < 100 || calls > 1000 {
		t.Errorf("progress: have %d calls up to %d, want about 300 up to %d", calls, last, n)
	}
	if !slices.IsSortedFunc(d.Train, func(a, b bucket.File) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("have images out of order")
	}
}
