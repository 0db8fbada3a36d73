package download

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"selfstream/stages/bucket"
)

func TestMain(m *testing.M) {
	pause = time.Millisecond
	os.Exit(m.Run())
}

// archive serves data like a web server that knows ranges, and counts.
type archive struct {
	*httptest.Server
	data     []byte
	requests atomic.Int32
	sent     atomic.Int64

	// instead, if not nil, is called with the number of the request, from 1,
	// and tells whether it has answered.
	instead func(n int32, w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T, data []byte) *archive {
	t.Helper()
	a := &archive{data: data}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := a.requests.Add(1); a.instead != nil && a.instead(n, w, r) {
			return
		}
		http.ServeContent(counting{w, &a.sent}, r, "", time.Time{}, bytes.NewReader(a.data))
	}))
	t.Cleanup(a.Close)
	return a
}

type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// at is s with another archive.
func at(s Set, data []byte, addresses ...string) Set {
	sum := md5.Sum(data)
	s.Addresses, s.MD5 = addresses, hex.EncodeToString(sum[:])
	return s
}

type entry struct {
	name string
	data []byte
}

func tgz(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.NoCompression) // so that there is something to cut off
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		if err := tw.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zipped(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, e := range entries {
		w, err := zw.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// pixel is what the test images show: red counts columns, green rows, blue is
// the number of the image.
func pixel(x, y, n int) color.RGBA { return color.RGBA{uint8(2 * x), uint8(y), uint8(n), 0xff} }

// record is a test image in the form of CIFAR-10 (by rows) or STL-10.
func record(side, n int, byColumn bool) []byte {
	b := make([]byte, 3*side*side)
	for y := range side {
		for x := range side {
			i := y*side + x
			if byColumn {
				i = x*side + y
			}
			c := pixel(x, y, n)
			b[i], b[i+side*side], b[i+2*side*side] = c.R, c.G, c.B
		}
	}
	return b
}

// smallCIFAR10 has two images in each batch, of the classes 2n and 2n+1 modulo
// 10.
func smallCIFAR10(t *testing.T) []byte {
	entries := []entry{{"cifar-10-batches-bin/batches.meta.txt", []byte("airplane\n")}}
	for n, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		var data []byte
		for i := range 2 {
			data = append(data, byte((2*n+i)%10))
			data = append(data, record(32, 2*n+i, false)...)
		}
		entries = append(entries, entry{"cifar-10-batches-bin/" + name + ".bin", data})
	}
	return tgz(t, entries...)
}

func list(t *testing.T, b bucket.Bucket) []string {
	t.Helper()
	var keys []string
	for info, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func wantImage(t *testing.T, b bucket.Bucket, key string, side, n int) {
	t.Helper()
	data, _, err := b.Get(t.Context(), key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if img.Bounds() != image.Rect(0, 0, side, side) {
		t.Fatalf("%s: have bounds %v, want a side of %d", key, img.Bounds(), side)
	}
	for y := range side {
		for x := range side {
			if have, want := color.RGBAModel.Convert(img.At(x, y)), pixel(x, y, n); have != want {
				t.Fatalf("%s at %d, %d: have %v, want %v", key, x, y, have, want)
			}
		}
	}
}

func TestCIFAR10(t *testing.T) {
	data := smallCIFAR10(t)
	web := serve(t, data)
	b, cache := new(bucket.Memory), filepath.Join(t.TempDir(), "new")
	seen := map[string]int64{}
	progress := func(doing string, done, total int64) {
		if done < seen[doing] || done > total || total != int64(len(data)) {
			t.Errorf("%s: have %d of %d after %d", doing, done, total, seen[doing])
		}
		seen[doing] = done
	}
	if err := at(cifar10, data, web.URL).Get(t.Context(), b, cache, progress); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cifar10/test/airplane/00000.png", "cifar10/test/automobile/00001.png",
		"cifar10/train/airplane/00000.png", "cifar10/train/automobile/00001.png",
		"cifar10/train/bird/10000.png", "cifar10/train/cat/10001.png",
		"cifar10/train/deer/20000.png", "cifar10/train/dog/20001.png",
		"cifar10/train/frog/30000.png", "cifar10/train/horse/30001.png",
		"cifar10/train/ship/40000.png", "cifar10/train/truck/40001.png",
	}
	if have := list(t, b); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	wantImage(t, b, "cifar10/train/cat/10001.png", 32, 3)
	wantImage(t, b, "cifar10/test/airplane/00000.png", 32, 10)
	if n := int64(len(data)); seen["downloading"] != n || seen["unpacking"] != n {
		t.Errorf("progress: have %v, want %d of both", seen, n)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("cache: have %v, %v, want it empty", left, err)
	}

	d, err := bucket.ReadDataset(t.Context(), b, nil, "cifar10", nil)
	if err != nil || len(d.Train) != 10 || len(d.Test) != 2 || !slices.Equal(d.Classes, cifar10Classes) {
		t.Errorf("as a dataset: have %+v, %v", d, err)
	}
}

func TestSTL10(t *testing.T) {
	images := func(first, n int) (data []byte) {
		for i := range n {
			data = append(data, record(96, first+i, true)...)
		}
		return data
	}
	data := tgz(t,
		entry{"stl10_binary/train_X.bin", images(0, 3)}, // labels come later
		entry{"stl10_binary/train_y.bin", []byte{1, 10, 10}},
		entry{"stl10_binary/unlabeled_X.bin", images(10, 2)},
		entry{"stl10_binary/test_y.bin", []byte{8}},
		entry{"stl10_binary/test_X.bin", images(20, 1)},
		entry{"stl10_binary/fold_indices.txt", []byte("0 1\n")},
	)
	web, b := serve(t, data), new(bucket.Memory)
	if err := at(stl10, data, web.URL).Get(t.Context(), b, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	for key, n := range map[string]int{
		"stl10/train/airplane/00000.png":   0,
		"stl10/train/truck/00002.png":      2,
		"stl10/train/unlabeled-000001.png": 11,
		"stl10/test/monkey/00000.png":      20,
	} {
		wantImage(t, b, key, 96, n)
	}
	d, err := bucket.ReadDataset(t.Context(), b, nil, "stl10", nil)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[int32]int{}
	for _, f := range d.Train {
		labels[f.Label]++
	}
	want := map[int32]int{-1: 2, 0: 1, 2: 2} // of airplane, monkey and truck
	if len(d.Train) != 5 || len(d.Test) != 1 || !maps.Equal(labels, want) {
		t.Errorf("as a dataset: have %+v with labels %v, want labels %v", d, labels, want)
	}
}

func TestEuroSAT(t *testing.T) {
	var entries []entry
	for _, class := range []string{"Forest", "River"} {
		for i := 1; i <= 10; i++ {
			entries = append(entries, entry{fmt.Sprintf("2750/%s/%s_%d.jpg", class, class, i), fmt.Appendf(nil, "%s %d", class, i)})
		}
	}
	data := zipped(t, append(entries, entry{"2750/readme.txt", nil}, entry{"2750/", nil})...)
	web, b := serve(t, data), new(bucket.Memory)
	if err := at(eurosat, data, web.URL).Get(t.Context(), b, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	d, err := bucket.ReadDataset(t.Context(), b, nil, "eurosat", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Train) != 16 || len(d.Test) != 4 || len(d.Classes) != 2 {
		t.Errorf("have %d to learn from, %d held out, classes %v, want 16, 4 and 2", len(d.Train), len(d.Test), d.Classes)
	}
	have, _, err := b.Get(t.Context(), "eurosat/test/River/River_5.jpg", 100)
	if err != nil || string(have) != "River 5" {
		t.Errorf("have %q, %v, want the bytes of the archive", have, err)
	}
}

// TestUnpackRefuses: nothing of an archive that is not of the known form.
func TestUnpackRefuses(t *testing.T) {
	stl := func(entries ...entry) []byte {
		return tgz(t, append([]entry{{"x/train_y.bin", []byte{1}}, {"x/test_y.bin", []byte{11}}}, entries...)...)
	}
	for _, tc := range []struct {
		name string
		set  Set
		data []byte
		want string
	}{
		{"no gzip", cifar10, []byte("<html>not found</html>"), "gzip"},
		{"half a record", cifar10, tgz(t, entry{"x/test_batch.bin", make([]byte, 3073+5)}), "record 1"},
		{"label", cifar10, tgz(t, entry{"x/test_batch.bin", append([]byte{10}, make([]byte, 3072)...)}), "label 10"},
		{"cut off archive", cifar10, smallCIFAR10(t)[:2000], "unexpected EOF"},
		{"label", stl10, stl(entry{"x/test_X.bin", make([]byte, 27648)}), "label 11"},
		{"too few labels", stl10, stl(entry{"x/train_X.bin", make([]byte, 2*27648)}), "labels for 1"},
		{"no zip", eurosat, []byte("<html>"), "zip"},
		{"way up", eurosat, zipped(t, entry{"2750/../River_1.jpg", nil}), "2750/../River_1.jpg"},
		{"way out", eurosat, zipped(t, entry{"../../etc/cron.d/x_1.jpg", nil}), "../../etc"},
		{"absolute", eurosat, zipped(t, entry{"/River/River_1.jpg", nil}), "/River/River_1.jpg"},
		{"number", eurosat, zipped(t, entry{"2750/River/River_one.jpg", nil}), "River_one"},
		{"bomb", eurosat, zipped(t, entry{"2750/River/River_1.jpg", make([]byte, 2<<20)}), "at most"},
	} {
		t.Run(tc.set.Name+" "+tc.name, func(t *testing.T) {
			web, b := serve(t, tc.data), new(bucket.Memory)
			err := at(tc.set, tc.data, web.URL).Get(t.Context(), b, t.TempDir(), nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.set.Name) {
				t.Errorf("have error %v, want one with %q", err, tc.want)
			}
			for _, key := range list(t, b) {
				if !strings.HasPrefix(key, tc.set.Name+"/") {
					t.Errorf("have object %q outside of the dataset", key)
				}
			}
		})
	}
}

// TestDownloadGoesOn: what has come is not asked for again, in one run or the
// next, from one address or another.
func TestDownloadGoesOn(t *testing.T) {
	data := smallCIFAR10(t)
	half := int64(len(data) / 2)
	// cut sends the first half of what was asked for, at most, and hangs up.
	cut := func(w http.ResponseWriter, r *http.Request) bool {
		http.ServeContent(&limited{w, half / 2}, r, "", time.Time{}, bytes.NewReader(data))
		return true
	}
	web, mirror := serve(t, data), serve(t, data)
	web.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool { return n <= 2 && cut(w, r) }
	set := at(cifar10, data, web.URL)
	b, cache := new(bucket.Memory), t.TempDir()
	if err := set.Get(t.Context(), b, cache, nil); err != nil {
		t.Fatal(err)
	}
	if web.requests.Load() != 3 || web.sent.Load() > int64(len(data))-half+half/2 {
		t.Errorf("have %d requests, %d bytes in the last one, want 3 requests, each for the rest", web.requests.Load(), web.sent.Load())
	}

	// A run that is stopped, and another one that finds only the mirror.
	web.requests.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	web.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool {
		if n == 2 {
			cancel()
		}
		return cut(w, r)
	}
	if err := set.Get(ctx, b, cache, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("have error %v, want %v", err, context.Canceled)
	}
	web.instead = func(_ int32, w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }
	if err := at(cifar10, data, web.URL, mirror.URL).Get(t.Context(), b, cache, nil); err != nil {
		t.Fatal(err)
	}
	if sent := mirror.sent.Load(); sent == 0 || sent >= int64(len(data)) {
		t.Errorf("mirror: have %d bytes of %d, want the rest", sent, len(data))
	}
	if n := len(list(t, b)); n != 12 {
		t.Errorf("have %d objects, want 12", n)
	}
}

// limited hangs up after left bytes.
type limited struct {
	http.ResponseWriter
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.ResponseWriter.Write(p[:min(l.left, int64(len(p)))])
	if l.left -= int64(n); l.left == 0 {
		l.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// TestDownloadWithoutRanges starts over where the server cannot go on.
func TestDownloadWithoutRanges(t *testing.T) {
	data := smallCIFAR10(t)
	web := serve(t, data)
	web.instead = func(n int32, w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		if n == 1 {
			http.ServeContent(&limited{w, 1000}, r, "", time.Time{}, bytes.NewReader(data))
			return true
		}
		return false
	}
	if err := at(cifar10, data, web.URL).Get(t.Context(), new(bucket.Memory), t.TempDir(), nil); err != nil {
		t.Error(err)
	}
}

func TestDownloadRefuses(t *testing.T) {
	data := smallCIFAR10(t)
	status := func(code int) func(int32, http.ResponseWriter, *http.Request) bool {
		return func(_ int32, w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	for _, tc := range []struct {
		name     string
		instead  func(int32, http.ResponseWriter, *http.Request) bool
		want     []string
		requests int32
	}{
		{"404", status(404), []string{"404", "no use"}, 1},
		{"403", status(403), []string{"403", "no use"}, 1},
		{"503", status(503), []string{"503", "run it again"}, tries},
		{"cut off at the same place", func(_ int32, w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			http.ServeContent(&limited{w, 1000}, r, "", time.Time{}, bytes.NewReader(data))
			return true
		}, []string{"EOF", "run it again"}, tries},
		{"other content", func(_ int32, w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, "<html>moved</html>")
			return true
		}, []string{"MD5", "18 bytes", "removed"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			web, cache := serve(t, data), t.TempDir()
			web.instead = tc.instead
			set := at(cifar10, data, web.URL)
			err := set.Get(t.Context(), new(bucket.Memory), cache, nil)
			if err == nil {
				t.Fatal("have no error")
			}
			for _, want := range append(tc.want, "cifar10") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("have error %q, want one with %q", err, want)
				}
			}
			if n := web.requests.Load(); n != tc.requests {
				t.Errorf("have %d requests, want %d", n, tc.requests)
			}

			// Once the server is well again, so is the download.
			web.instead = nil
			if err := set.Get(t.Context(), new(bucket.Memory), cache, nil); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// full is a bucket that cannot be written to.
type full struct{ bucket.Memory }

var errFull = errors.New("disk full")

func (*full) Put(context.Context, string, []byte) error { return errFull }

// TestBucketFails keeps the archive for the next time.
func TestBucketFails(t *testing.T) {
	data := smallCIFAR10(t)
	web, cache := serve(t, data), t.TempDir()
	set := at(cifar10, data, web.URL)
	if err := set.Get(t.Context(), new(full), cache, nil); !errors.Is(err, errFull) {
		t.Errorf("have error %v, want %v", err, errFull)
	}
	if err := set.Get(t.Context(), new(bucket.Memory), cache, nil); err != nil {
		t.Error(err)
	}
	if n := web.requests.Load(); n != 1 {
		t.Errorf("have %d requests, want 1", n)
	}
}

func TestFind(t *testing.T) {
	for _, s := range Sets() {
		found, err := Find(s.Name)
		if err != nil || found.MD5 != s.MD5 || len(s.MD5) != 32 || len(s.Addresses) == 0 || s.About == "" {
			t.Errorf("%s: have %+v, %v", s.Name, found, err)
		}
	}
	if _, err := Find("imagenet"); err == nil || !strings.Contains(err.Error(), "have cifar10, eurosat, stl10") {
		t.Errorf("have error %v, want one that lists the names", err)
	}
}
