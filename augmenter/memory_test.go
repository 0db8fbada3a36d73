package augmenter

import (
	"bytes"
	"log/slog"
	"runtime"
	"runtime/debug"
	"testing"

	"selfstream/schemas"
	"selfstream/stages/bucket"
)

// TestImagesAllocateNothing: what decodes and renders photos has its memory from
// the photos before.
func TestImagesAllocateNothing(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 20)
	data := make([][]byte, len(split.Images))
	for i, img := range split.Images {
		var err error
		if data[i], _, err = b.Get(t.Context(), img.Key, img.Size); err != nil {
			t.Fatal(err)
		}
	}
	var s schemas.Samples
	s.Reserve(nil, len(data), split.Recipe.Sizes())
	r := newRows(split, s.Views)
	r.tools = new(tools)
	all := func() {
		for i := range r.views {
			r.views[i].Data = r.views[i].Data[:0]
		}
		for i, img := range split.Images {
			if broken := r.add(img, data[i]); broken != "" {
				t.Fatal(broken)
			}
		}
	}
	if n := testing.AllocsPerRun(3, all); n != 0 {
		t.Errorf("have %g allocations for %d photos, want none", n, len(data))
	}
}

// TestMessagesUseMemoryAgain: pixels are rendered where the body of the message
// has them, in the memory of the message before, whatever that has left there.
func TestMessagesUseMemoryAgain(t *testing.T) {
	var b bucket.Memory
	split := photos(t, &b, 20)
	split.Recipe = recipe(128)
	memory := bytes.Repeat([]byte{0xa5}, 4<<20)
	m := maker{from: &b, stats: new(Stats), log: slog.New(slog.DiscardHandler), memory: &memory}
	pack := func() []byte {
		s, err := m.samples(t.Context(), split)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := schemas.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		return msg.Data
	}
	fresh, err := Make(t.Context(), split, &b)
	if err != nil {
		t.Fatal(err)
	}
	fresh.Views = append([]schemas.Pixels{}, fresh.Views...)
	for i := range fresh.Views {
		fresh.Views[i].Data = bytes.Clone(fresh.Views[i].Data) // of other memory than was reserved
	}
	body := pack()
	if !bytes.Equal(body, marshal(t, fresh)) {
		t.Error("the body is another one than without memory to use again")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which empties pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pack()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(body))/4 {
		t.Errorf("have %d bytes allocated for a message of %d, want less than a quarter", n, len(body))
	}
}
