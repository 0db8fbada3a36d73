// Package buckettest turns a bucket into a verdict: whether it keeps what
// bucket.Bucket promises.
package buckettest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"selfstream/stages/bucket"
)

// Run tests the empty buckets that open makes, each in a subtest.
func Run(t *testing.T, open func(t *testing.T) bucket.Bucket) {
	for _, tc := range []struct {
		name string
		test func(*testing.T, bucket.Bucket)
	}{
		{"Get", testGet},
		{"Limit", testLimit},
		{"Missing", testMissing},
		{"GetRange", testGetRange},
		{"Put", testPut},
		{"Replace", testReplace},
		{"ReplaceCrowd", testReplaceCrowd},
		{"Keys", testKeys},
		{"List", testList},
		{"ListPages", testListPages},
		{"ListStops", testListStops},
		{"Folders", testFolders},
		{"Delete", testDelete},
		{"Crowd", testCrowd},
		{"Context", testContext},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, open(t)) })
	}
}

const all = 1 << 40 // a limit that nothing reaches

func put(t *testing.T, b bucket.Bucket, key, data string) {
	t.Helper()
	if err := b.Put(t.Context(), key, []byte(data)); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

func wantData(t *testing.T, b bucket.Bucket, key, want string) {
	t.Helper()
	have, _, err := b.Get(t.Context(), key, all)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	if string(have) != want {
		t.Errorf("Get(%q): have %.40q (%d bytes), want %.40q (%d bytes)", key, have, len(have), want, len(want))
	}
}

func wantError(t *testing.T, call string, have, want error) {
	t.Helper()
	if !errors.Is(have, want) {
		t.Errorf("%s: have error %v, want %v", call, have, want)
	}
}

func list(t *testing.T, b bucket.Bucket, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q): %v", prefix, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func wantList(t *testing.T, b bucket.Bucket, prefix string, want ...string) {
	t.Helper()
	if have := list(t, b, prefix); !slices.Equal(have, want) {
		t.Errorf("List(%q): have %q, want %q", prefix, have, want)
	}
}

func testGet(t *testing.T, b bucket.Bucket) {
	before := time.Now().Add(-time.Minute) // the server's clock need not be ours
	for _, data := range []string{"", "a", "\x00\xff\r\n", strings.Repeat("0123456789", 100_000)} {
		put(t, b, "d/key.bin", data)
		wantData(t, b, "d/key.bin", data)

		_, info, err := b.Get(t.Context(), "d/key.bin", all)
		if err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum([]byte(data))
		if want := hex.EncodeToString(sum[:]); info.ETag != want {
			t.Errorf("ETag: have %q, want the MD5 %q", info.ETag, want)
		}
		if info.Key != "d/key.bin" || info.Size != int64(len(data)) || info.Modified.Before(before) {
			t.Errorf("Info: have %+v, want key d/key.bin, size %d, modified now", info, len(data))
		}
		stat, err := b.Stat(t.Context(), "d/key.bin")
		if err != nil || stat.Key != info.Key || stat.Size != info.Size || stat.ETag != info.ETag || !stat.Modified.Equal(info.Modified) {
			t.Errorf("Stat: have %+v, %v, want %+v as by Get", stat, err, info)
		}
		for listed, err := range b.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if listed.Key != info.Key || listed.Size != info.Size || listed.ETag != info.ETag {
				t.Errorf("List: have %+v, want %+v as by Get", listed, info)
			}
		}
	}
}

func testLimit(t *testing.T, b bucket.Bucket) {
	put(t, b, "k", "12345")
	data, info, err := b.Get(t.Context(), "k", 4)
	wantError(t, "Get of 5 bytes, limit 4", err, bucket.ErrTooLarge)
	if data != nil || info.Size != 5 || info.Key != "k" {
		t.Errorf("Get of 5 bytes, limit 4: have %q, %+v, want no data, size 5", data, info)
	}
	if err == nil || !strings.Contains(err.Error(), "k") || !strings.Contains(err.Error(), "5") {
		t.Errorf("Get of 5 bytes, limit 4: have error %v, want one that names key and size", err)
	}
	if _, _, err := b.Get(t.Context(), "k", 5); err != nil {
		t.Errorf("Get of 5 bytes, limit 5: %v", err)
	}
}

func testMissing(t *testing.T, b bucket.Bucket) {
	put(t, b, "folder/object", "x")
	for _, key := range []string{"missing", "folder", "folder/missing", "folder/object/below", "missing/deep/down.jpg"} {
		_, _, err := b.Get(t.Context(), key, all)
		wantError(t, "Get "+key, err, fs.ErrNotExist)
		if err != nil && !strings.Contains(err.Error(), key) {
			t.Errorf("Get(%q): have error %v, want one that names the key", key, err)
		}
		_, _, err = b.GetRange(t.Context(), key, 0, 4)
		wantError(t, "GetRange "+key, err, fs.ErrNotExist)
		_, err = b.Stat(t.Context(), key)
		wantError(t, "Stat "+key, err, fs.ErrNotExist)
	}
}

func testGetRange(t *testing.T, b bucket.Bucket) {
	for _, tc := range []struct {
		data      string
		offset, n int64
		want      string
	}{
		{"", 0, 0, ""}, {"", 0, 4, ""}, {"", 3, 4, ""},
		{"abcdef", 0, 0, ""}, {"abcdef", 0, 1, "a"}, {"abcdef", 0, 4, "abcd"}, {"abcdef", 0, 6, "abcdef"}, {"abcdef", 0, 100, "abcdef"},
		{"abcdef", 2, 0, ""}, {"abcdef", 2, 3, "cde"}, {"abcdef", 5, 1, "f"}, {"abcdef", 5, 100, "f"}, {"abcdef", 6, 1, ""}, {"abcdef", 100, 1, ""},
	} {
		put(t, b, "k", tc.data)
		have, info, err := b.GetRange(t.Context(), "k", tc.offset, tc.n)
		if err != nil || string(have) != tc.want {
			t.Errorf("GetRange %d+%d of %q: have %q, %v, want %q", tc.offset, tc.n, tc.data, have, err, tc.want)
		}
		if stat, err := b.Stat(t.Context(), "k"); err != nil || tc.want != "" && (info.ETag != stat.ETag || info.Size != stat.Size) {
			t.Errorf("GetRange %d+%d of %q: have %+v, want %+v, as by Stat", tc.offset, tc.n, tc.data, info, stat)
		}
	}
}

func testPut(t *testing.T, b bucket.Bucket) {
	put(t, b, "k", "a longer first version")
	put(t, b, "k", "second")
	wantData(t, b, "k", "second")
	put(t, b, "k", "second")
	wantData(t, b, "k", "second")
	wantList(t, b, "", "k")

	// What is stored does not change with the slices that went in or came out.
	data := []byte("mine")
	if err := b.Put(t.Context(), "own", data); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X'
	have, _, err := b.Get(t.Context(), "own", all)
	if err != nil {
		t.Fatal(err)
	}
	have[1] = 'X'
	wantData(t, b, "own", "mine")
}

func testReplace(t *testing.T, b bucket.Bucket) {
	replace := func(etag, data string, want error) string {
		t.Helper()
		tag, err := b.Replace(t.Context(), "k", etag, []byte(data))
		if !errors.Is(err, want) {
			t.Errorf("Replace of %q by %q: have error %v, want %v", etag, data, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "k") {
			t.Errorf("Replace: have error %v, want one that names the key", err)
		}
		return tag
	}
	replace("d41d8cd98f00b204e9800998ecf8427e", "of nothing", bucket.ErrChanged)
	first := replace("", "one", nil)
	replace("", "again", bucket.ErrChanged)
	wantData(t, b, "k", "one")
	second := replace(first, "two", nil)
	if _, info, err := b.Get(t.Context(), "k", all); err != nil || info.ETag != second {
		t.Errorf("Replace: have ETag %q, want %q as by Get (%v)", second, info.ETag, err)
	}
	replace(first, "of the first", bucket.ErrChanged)
	wantData(t, b, "k", "two")
	if err := b.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	replace(second, "of the deleted", bucket.ErrChanged)
	replace("", "three", nil)
	wantData(t, b, "k", "three")
	_, err := b.Replace(t.Context(), "a//b", "", nil)
	wantError(t, "Replace of a//b", err, fs.ErrInvalid)
}

// testReplaceCrowd has many add to one object. Nothing is lost.
func testReplaceCrowd(t *testing.T, b bucket.Bucket) {
	const crowd, rounds = 6, 5
	put(t, b, "k", "")
	var wg sync.WaitGroup
	for who := range crowd {
		wg.Go(func() {
			for round := 0; round < rounds; {
				data, info, err := b.Get(t.Context(), "k", all)
				if err == nil {
					_, err = b.Replace(t.Context(), "k", info.ETag, fmt.Appendf(data, "%d by %d\n", round, who))
				}
				switch {
				case err == nil:
					round++
				case !errors.Is(err, bucket.ErrChanged):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	data, _, err := b.Get(t.Context(), "k", all)
	if have := strings.Count(string(data), "\n"); err != nil || have != crowd*rounds {
		t.Errorf("have %d lines, %v, want %d:\n%s", have, err, crowd*rounds, data)
	}
}

func testFolders(t *testing.T, b bucket.Bucket) {
	for _, key := range []string{"b.jpg", "a/c", "a0", "a/b/2", "a-b/1", "a.b/1/x", "a/b/1", "ü/1"} {
		put(t, b, key, key)
	}
	for _, tc := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"a", "a-b", "a.b", "ü"}},
		{"a/", []string{"b"}},
		{"a.b/", []string{"1"}},
		{"a/b/", nil},
		{"none/", nil},
	} {
		have, err := b.Folders(t.Context(), tc.prefix)
		if err != nil || !slices.Equal(have, tc.want) {
			t.Errorf("Folders(%q): have %q, %v, want %q", tc.prefix, have, err, tc.want)
		}
	}
}

func testKeys(t *testing.T, b bucket.Bucket) {
	good := []string{
		"a b/c d.jpg", "ünïcödé/日本語/🐈.png", "e\u0301", "é", "per%20cent", "plus+plus", "amp&er=sand?#;,:@$",
		"quo'te\"s", "<xml>&amp;", "..hidden", "dots...", ".hidden", "~tilde", "-dash", "(paren)[brack]{et}", "star*", "x|y",
	}
	for _, key := range good {
		put(t, b, key, "data of "+key)
	}
	for _, key := range good {
		wantData(t, b, key, "data of "+key)
	}
	slices.Sort(good)
	wantList(t, b, "", good...)
	wantList(t, b, "ünïcödé/日", "ünïcödé/日本語/🐈.png")

	for _, key := range []string{"", ".", "..", "/abs", "dir/", "a//b", "a/./b", "a/../b", "../up", "bad\xffutf8", strings.Repeat("k", 1025)} {
		wantError(t, fmt.Sprintf("Put(%.20q)", key), b.Put(t.Context(), key, nil), fs.ErrInvalid)
	}
}

func testList(t *testing.T, b bucket.Bucket) {
	// '-' and '.' sort before '/', and '0' after it: the order is that of whole
	// keys, not of folders.
	keys := []string{"a-b/1", "a.b/1", "a/1", "a/b/1", "a/b/2", "a/c", "a0", "b", "b.jpg", "b/1"}
	for _, key := range []string{"b.jpg", "a/c", "a0", "a/b/2", "a-b/1", "a.b/1", "a/b/1", "a/1"} {
		put(t, b, key, key)
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "b" || k == "b/1" })
	wantList(t, b, "", keys...)
	wantList(t, b, "a/", "a/1", "a/b/1", "a/b/2", "a/c")
	wantList(t, b, "a/b", "a/b/1", "a/b/2")
	wantList(t, b, "a", "a-b/1", "a.b/1", "a/1", "a/b/1", "a/b/2", "a/c", "a0")
	wantList(t, b, "a/c", "a/c")
	wantList(t, b, "nothing/")
	wantList(t, b, "b.jpg/")
}

// testListPages needs more than one page of S3, which is 1000 objects.
func testListPages(t *testing.T, b bucket.Bucket) {
	var want []string
	for i := range 1100 {
		want = append(want, fmt.Sprintf("p%d/%05d", i/1050, i))
	}
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(want, 100) {
		wg.Go(func() {
			for _, key := range chunk {
				if err := b.Put(t.Context(), key, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantList(t, b, "", want...)
	wantList(t, b, "p0/", want[:1050]...)
}

func testListStops(t *testing.T, b bucket.Bucket) {
	for i := range 5 {
		put(t, b, strconv.Itoa(i), "")
	}
	n := 0
	for _, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("loop left after 2: have %d rounds", n)
	}

	// What the loop does to the bucket does not disturb it.
	for info, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(t.Context(), info.Key); err != nil {
			t.Fatal(err)
		}
	}
	wantList(t, b, "")
}

func testDelete(t *testing.T, b bucket.Bucket) {
	put(t, b, "d/a", "1")
	put(t, b, "d/b", "2")
	for _, key := range []string{"d/a", "d/a", "never/was"} {
		if err := b.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q): %v", key, err)
		}
	}
	_, _, err := b.Get(t.Context(), "d/a", all)
	wantError(t, "Get of a deleted object", err, fs.ErrNotExist)
	wantList(t, b, "", "d/b")
	if err := b.Delete(t.Context(), "d/b"); err != nil {
		t.Fatal(err)
	}
	put(t, b, "d", "now an object") // the folder went with its last object
	wantData(t, b, "d", "now an object")
}

// testCrowd replaces and reads one object from many goroutines: every reader
// sees one whole version.
func testCrowd(t *testing.T, b bucket.Bucket) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 1000+100*i) }
	put(t, b, "k", string(version(0)))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				if err := b.Put(t.Context(), "k", version(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				data, info, err := b.Get(t.Context(), "k", all)
				if err != nil {
					t.Error(err)
					return
				}
				if len(data) == 0 || !bytes.Equal(data, version(int(data[0]-'a'))) || info.Size != int64(len(data)) {
					t.Errorf("have a mixture of versions, of %d bytes", len(data))
					return
				}
			}
		})
	}
	wg.Wait()
}

func testContext(t *testing.T, b bucket.Bucket) {
	put(t, b, "k", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := b.Get(ctx, "k", all)
	wantError(t, "Get", err, context.Canceled)
	_, _, err = b.GetRange(ctx, "k", 0, 1)
	wantError(t, "GetRange", err, context.Canceled)
	_, err = b.Stat(ctx, "k")
	wantError(t, "Stat", err, context.Canceled)
	_, err = b.Folders(ctx, "")
	wantError(t, "Folders", err, context.Canceled)
	wantError(t, "Put", b.Put(ctx, "k", nil), context.Canceled)
	_, err = b.Replace(ctx, "new", "", nil)
	wantError(t, "Replace", err, context.Canceled)
	wantError(t, "Delete", b.Delete(ctx, "k"), context.Canceled)
	rounds := 0
	for _, err := range b.List(ctx, "") {
		rounds++
		wantError(t, "List", err, context.Canceled)
	}
	if rounds != 1 {
		t.Errorf("List: have %d rounds, want one with the error", rounds)
	}
	wantData(t, b, "k", "x")
}
