package jpeg

import (
	"bytes"
	"encoding/binary"
)

// bits reads the bits of an entropy-coded segment from the first to the last.
type bits struct {
	data []byte // without stuffed zeros
	at   int    // of the next byte that is not in acc
	acc  uint64 // the next bits, from the highest on
	n    uint   // how many of them are valid; those below are the next bits, or 0
}

// refill sees to at least 56 valid bits. Beyond the end of the data bits are 0;
// see overrun.
func (b *bits) refill() {
	if b.at+8 <= len(b.data) {
		b.acc |= binary.BigEndian.Uint64(b.data[b.at:]) >> (b.n & 63)
		b.at += int(63-b.n) >> 3
		b.n |= 56
		return
	}
	for ; b.n <= 56; b.n += 8 {
		if b.at < len(b.data) {
			b.acc |= uint64(b.data[b.at]) << (56 - b.n)
		}
		b.at++
	}
}

// overrun tells whether more bits have been read than there are.
func (b *bits) overrun() bool { return 8*b.at-int(b.n) > 8*len(b.data) }

// drop goes on behind n bits.
func (b *bits) drop(n uint) {
	b.acc <<= n & 63
	b.n -= n
}

// take returns the next n bits, at most 16.
func (b *bits) take(n uint) int32 {
	if b.n < 16 {
		b.refill()
	}
	x := b.acc >> 1 >> (63 - n&63)
	b.drop(n)
	return int32(x)
}

// unstuff appends the entropy-coded bytes at the beginning of src to dst,
// without the zeros that are stuffed behind 0xff, and returns the position of
// the marker that ends them.
func unstuff(dst, src []byte) ([]byte, int) {
	at := 0
	for {
		i := bytes.IndexByte(src[at:], 0xff)
		if i < 0 || at+i+1 == len(src) {
			return append(dst, src[at:]...), len(src)
		}
		if src[at+i+1] != 0 {
			return append(dst, src[at:at+i]...), at + i
		}
		dst = append(dst, src[at:at+i+1]...)
		at += i + 2
	}
}
