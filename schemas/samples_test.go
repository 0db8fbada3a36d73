package schemas_test

import (
	"bytes"
	"strings"
	"testing"

	"selfstream/schemas"
)

// TestEqualSamplesHaveEqualBytes, whether or not what is absent is nil.
func TestEqualSamplesHaveEqualBytes(t *testing.T) {
	whole := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1, Data: []byte("rgb")}}, Labels: []int32{3}, IDs: []int64{5},
	}
	broken := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1}}, Holes: []schemas.Hole{{ID: 5, Key: "k", Reason: "r"}},
	}
	for name, m := range map[string]schemas.Samples{"without holes": whole, "without images": broken} {
		t.Run(name, func(t *testing.T) {
			first, err := m.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var decoded schemas.Samples
			if err := decoded.UnmarshalBinary(first); err != nil {
				t.Fatal(err)
			}
			second, err := decoded.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, second) {
				t.Errorf("have %q\nwant %q", second, first)
			}
			if name == "without holes" && !strings.Contains(string(first), `"holes":"[]"`) {
				t.Errorf("have %q, want holes to be []", first)
			}
		})
	}
}

// TestPixelsAreViews of the message, not copies.
func TestPixelsAreViews(t *testing.T) {
	body, err := schemas.Samples{
		Run: "a", Fingerprint: "f", Views: []schemas.Pixels{{Size: 1, Data: []byte("rgb")}}, Labels: []int32{3}, IDs: []int64{5},
	}.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var m schemas.Samples
	if err := m.UnmarshalBinary(body); err != nil {
		t.Fatal(err)
	}
	body[len(body)-1] = 'B'
	if have := string(m.Views[0].Data); have != "rgB" {
		t.Errorf("have %q, want %q", have, "rgB")
	}
}

func BenchmarkSamples(b *testing.B) {
	const n, size = 170, 32 // about 1 MiB
	m := schemas.Samples{
		Run: "a", Fingerprint: "f", Labels: make([]int32, n), IDs: make([]int64, n),
		Views: []schemas.Pixels{{Size: size, Data: make([]byte, n*size*size*3)}, {Size: size, Data: make([]byte, n*size*size*3)}},
	}
	for i := range m.IDs {
		m.IDs[i] = int64(i)
	}
	body, err := m.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("marshal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var m schemas.Samples
			if err := m.UnmarshalBinary(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
