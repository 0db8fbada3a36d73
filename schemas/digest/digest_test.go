package digest

import (
	"crypto/sha256"
	"testing"
)

func TestSum(t *testing.T) {
	data := []byte("0123456789")
	for i := range data {
		if have, want := Sum(data[:i], nil, data[i:]), sha256.Sum256(data); have != want {
			t.Errorf("in two parts, cut at %d: have %x, want %x", i, have, want)
		}
	}
	if have, want := Sum(), sha256.Sum256(nil); have != want {
		t.Errorf("nothing: have %x, want %x", have, want)
	}
}
