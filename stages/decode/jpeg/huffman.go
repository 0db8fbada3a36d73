package jpeg

import "errors"

// A symbol is what a Huffman code stands for, packed. In baseline scans, a code
// is followed by the bits of a value.
//
//	bits  0 …  7  length of code and value together; 0: there is no such code
//	bits  8 … 15  length of the code
//	bits 16 … 23  length of the value
//	bits 24 … 31  how far the value lies behind the one before, in zigzag order;
//	              endOfBlock if there is none
type symbol uint32

func (s symbol) total() uint  { return uint(uint8(s)) }
func (s symbol) code() uint   { return uint(uint8(s >> 8)) }
func (s symbol) size() uint   { return uint(uint8(s >> 16)) }
func (s symbol) advance() int { return int(s >> 24) }

// endOfBlock leads behind the last coefficient, from wherever.
const endOfBlock = 128

// lookup is the length of the codes that are found by looking at the next bits
// once. Nearly all codes of a photo are not longer.
const lookup = 10

// A pair is one symbol of a baseline scan's coefficients, or two, whose codes
// and values lie within the next lookup bits. Most of a photo's have a few bits
// only, so that two come at a time.
//
//	bits  0 …  7  length of all
//	bits  8 … 15  how far the first value lies behind the one before
//	bits 16 … 23  how far the second lies behind the first: 0 if it is the same
//	bits 24 … 31  length of the first
//	bits 32 … 47  the first value
//	bits 48 … 63  the second
//
// Where bits 16 … 23 are endOfBlock, the block ends behind the first value, or,
// if that is 0, possibly before it. Where they are notPaired, not even one
// symbol lies within the bits.
type pair uint64

func (p pair) total() uint      { return uint(uint8(p)) }
func (p pair) advance() int     { return int(uint8(p >> 8)) }
func (p pair) second() int      { return int(uint8(p >> 16)) }
func (p pair) firstTotal() uint { return uint(uint8(p >> 24)) }
func (p pair) value() int16     { return int16(p >> 32) }
func (p pair) value2() int16    { return int16(p >> 48) }

const (
	notPaired   = 255
	refillPairs = 5 // for which bits are enough that have been refilled
)

// table decodes a Huffman code, as specified in annex C.
type table struct {
	short [1 << lookup]symbol // by the next bits
	pairs [1 << lookup]pair   // the same, in baseline scans
	// Codes of length l are first[l] … end[l]−1 and have values[offset[l]+code].
	first  [17]int32
	end    [17]int32
	offset [17]int32
	values [256]uint8
	kind   kind
	spec   [16 + 256]byte // that it was made from
	n      int            // length of spec; 0: there is no table
}

// kind says what a table's values mean.
type kind uint8

const (
	dcBaseline kind = iota // the length of a difference
	acBaseline             // a run of zeros and the length of a value
	dcProgressive
	acProgressive
)

var errHuffman = errors.New("a Huffman table is wrong")

// set makes the table of spec: 16 counts of codes by their length, then their
// values.
func (t *table) set(spec []byte, k kind) error {
	if t.n == len(spec) && t.kind == k && string(t.spec[:t.n]) == string(spec) {
		return nil // as in the photo before
	}
	t.n = 0
	clear(t.short[:])
	copy(t.values[:], spec[16:])
	t.kind = k
	code, value := int32(0), int32(0)
	for l := 1; l <= 16; l++ {
		count := int32(spec[l-1])
		if code+count > 1<<l {
			return errHuffman // more codes than there is room for
		}
		t.offset[l] = value - code
		t.first[l], t.end[l] = code, code+count
		for ; count > 0; count-- {
			if l <= lookup {
				s := t.symbol(t.values[value], l)
				at := code << (lookup - l)
				for i := range int32(1) << (lookup - l) {
					t.short[at+i] = s
				}
			}
			code++
			value++
		}
		code <<= 1
	}
	if k == acBaseline {
		t.setPairs()
	}
	t.n = copy(t.spec[:], spec)
	return nil
}

// setPairs makes pairs of short: first of single symbols, then of two.
func (t *table) setPairs() {
	var single [1 << lookup]pair
	for i, s := range t.short {
		used := pair(s.total())
		switch {
		case s == 0 || used > lookup:
			single[i] = notPaired << 16
		case s.advance() == endOfBlock: // behind a 0
			single[i] = used | 1<<8 | endOfBlock<<16 | used<<24
		default:
			value := pair(uint16(extend(uint64(i)<<(64-lookup)<<(s.code()&63), s.size())))
			single[i] = used | pair(s.advance())<<8 | used<<24 | value<<32 | value<<48
		}
	}
	for i, p := range single {
		used := p.total()
		next := single[i<<used&(1<<lookup-1)]
		switch more := next.total(); {
		case p.second() != 0 || used+more > lookup || next.second() == notPaired:
		case next.second() == endOfBlock:
			p += pair(more) | endOfBlock<<16
		default:
			p += pair(more) | pair(next.advance())<<16
			p = p<<16>>16 | next>>32<<48
		}
		t.pairs[i] = p
	}
}

// symbol is a value under a code of l bits, 0 if it cannot be.
func (t *table) symbol(value uint8, l int) symbol {
	run, size := int(value>>4), int(value&15)
	advance := run + 1
	switch t.kind {
	case dcBaseline, dcProgressive:
		if value > 15 {
			return 0
		}
		advance = 0
	case acBaseline:
		if size == 0 && run == 0 {
			advance = endOfBlock
		} else if size == 0 && run < 15 {
			return 0
		}
	case acProgressive:
		if size == 0 && run < 15 { // the block ends, and 2^run − 1 or more after it
			return symbol(l | l<<8 | run<<16 | endOfBlock<<24)
		}
	}
	return symbol(l + size | l<<8 | size<<16 | advance<<24)
}

// next is the symbol whose code comes next in acc, 0 if there is none.
func (t *table) next(acc uint64) symbol {
	if s := t.short[acc>>(64-lookup)]; s != 0 {
		return s
	}
	return t.long(acc)
}

// long looks for codes longer than lookup.
func (t *table) long(acc uint64) symbol {
	for l := lookup + 1; l <= 16; l++ {
		code := int32(acc >> (64 - l))
		if t.first[l] <= code && code < t.end[l] {
			return t.symbol(t.values[t.offset[l]+code], l)
		}
	}
	return 0
}

// extend is the number that bits from the highest of acc on stand for: those
// that begin with 0 are negative (section F.2.2.1).
func extend(acc uint64, size uint) int32 {
	x := int32(acc >> 1 >> (63 - size&63))
	positive := int32(int64(acc) >> 63)
	return x + lowest[size&15]&^positive
}

// lowest is the most negative number of a size.
var lowest = func() (a [16]int32) {
	for size := range a {
		a[size] = 1 - 1<<size
	}
	return a
}()
