// Package safetensors turns the bytes of a safetensors file into named tensors
// and back. The format is a length, a JSON header and the tensors' bytes
// (https://huggingface.co/docs/safetensors):
//
//	8 bytes  N, little endian
//	N bytes  {"__metadata__":{…},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},…}
//	rest     the tensors, little endian, row-major, without gaps
//
// Files may come from anybody, so Parse believes no number in them before it
// has compared it with the bytes that are there.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// MaxHeader is the longest header that is read or written, in bytes. The
// reference implementation has the same limit.
const MaxHeader = 100_000_000

const (
	metadataKey = "__metadata__"
	alignment   = 8 // of the first tensor, from the start of the file
)

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string // nil if there is none
	Tensors  []Tensor          // in the order of their data
}

// Tensor is an array of numbers.
type Tensor struct {
	Name  string
	DType string // such as "F32"; see Width
	Shape []int  // empty for a scalar
	Data  []byte // little endian, row-major
}

var widths = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, "F32": 4,
	"U64": 8, "I64": 8, "F64": 8, "C64": 8,
}

// Width is the size of one element of dtype in bytes, or 0 if the type is
// unknown.
func Width(dtype string) int { return widths[dtype] }

// Parse reads a file. The tensors' data are views of buf, not copies. Unlike
// some readers it refuses a repeated key and an unknown field of a tensor,
// since another reader could take the file for a different one.
func Parse(buf []byte) (*File, error) {
	f, err := parse(buf)
	if err != nil {
		return nil, fmt.Errorf("parsing safetensors: %w", err)
	}
	return f, nil
}

func parse(buf []byte) (*File, error) {
	if len(buf) < 8 {
		return nil, fmt.Errorf("file of %d bytes is shorter than the length of its header, 8 bytes", len(buf))
	}
	n, rest := binary.LittleEndian.Uint64(buf), buf[8:]
	if n > MaxHeader {
		return nil, fmt.Errorf("header claims %d bytes, at most %d are allowed", n, MaxHeader)
	}
	if n > uint64(len(rest)) {
		return nil, fmt.Errorf("header claims %d bytes, but only %d follow", n, len(rest))
	}
	metadata, entries, err := parseHeader(rest[:n])
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	tensors, err := place(entries, rest[n:])
	if err != nil {
		return nil, err
	}
	return &File{metadata, tensors}, nil
}

// place gives every tensor its part of data, all of which must belong to
// exactly one tensor.
func place(entries []entry, data []byte) ([]Tensor, error) {
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	tensors := make([]Tensor, len(entries))
	covered := 0
	for i, e := range entries {
		size, err := e.size()
		switch {
		case err != nil:
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		case e.begin < 0 || e.end < e.begin || e.end > len(data):
			return nil, fmt.Errorf("tensor %q: data_offsets [%d, %d] lie outside of the %d bytes of data", e.Name, e.begin, e.end, len(data))
		case e.end-e.begin != size:
			return nil, fmt.Errorf("tensor %q: data_offsets [%d, %d] hold %d bytes, but %s %v takes %d",
				e.Name, e.begin, e.end, e.end-e.begin, e.DType, e.Shape, size)
		case e.begin < covered:
			return nil, fmt.Errorf("tensor %q: begins at %d, but tensor %q ends at %d", e.Name, e.begin, entries[i-1].Name, covered)
		case e.begin > covered:
			return nil, fmt.Errorf("tensor %q: begins at %d, but bytes %d to %d belong to no tensor", e.Name, e.begin, covered, e.begin)
		}
		tensors[i] = e.Tensor
		tensors[i].Data = data[e.begin:e.end:e.end]
		covered = e.end
	}
	if covered != len(data) {
		return nil, fmt.Errorf("%d bytes after the last tensor, which ends at %d", len(data)-covered, covered)
	}
	return tensors, nil
}

// size is the length in bytes that dtype and shape ask for.
func (t Tensor) size() (int, error) {
	n := uint64(Width(t.DType))
	if n == 0 {
		return 0, fmt.Errorf("unknown dtype %q", t.DType)
	}
	for _, dim := range t.Shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", t.Shape)
		}
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v of %s overflows", t.Shape, t.DType)
		}
		n = lo
	}
	return int(n), nil
}

// Tensor returns the tensor called name, and whether there is one.
func (f *File) Tensor(name string) (Tensor, bool) {
	i := slices.IndexFunc(f.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Marshal writes a file that Parse reads back. The tensors are written in the
// order given, the first one at a multiple of 8 bytes: in order of falling
// width, all of them are aligned. Equal files give equal bytes.
func (f *File) Marshal() ([]byte, error) { return f.MarshalIn(nil) }

// MarshalIn is Marshal in memory that tensors may lie in already. The last ones
// stay where they are if they lie in room one after the other, up to its end;
// what comes before them in the file is written in front, and must not lie in
// room. The file is a part of room then, and otherwise in memory of its own.
func (f *File) MarshalIn(room []byte) ([]byte, error) {
	header, size, err := f.header()
	if err != nil {
		return nil, fmt.Errorf("writing safetensors: %w", err)
	}
	size += 8 + len(header)
	there, start := f.there(room), len(room)-size
	if there == len(f.Tensors) || start < 0 {
		there, start, room = len(f.Tensors), 0, make([]byte, size)
	}
	buf := binary.LittleEndian.AppendUint64(room[start:start], uint64(len(header)))
	buf = append(buf, header...)
	for _, t := range f.Tensors[:there] {
		buf = append(buf, t.Data...)
	}
	return buf[:size], nil
}

// there returns the first of the tensors that lie up to the end of room, one
// after the other.
func (f *File) there(room []byte) (first int) {
	first = len(f.Tensors)
	for ; first > 0; first-- {
		data := f.Tensors[first-1].Data
		rest := len(room) - len(data)
		if len(data) == 0 || rest < 0 || &data[0] != &room[rest] {
			break
		}
		room = room[:rest]
	}
	return first
}

// header returns the padded header and the length of the data that follow it.
func (f *File) header() ([]byte, int, error) {
	var b bytes.Buffer
	seen := map[string]bool{metadataKey: true}
	if len(f.Metadata) > 0 {
		for k, v := range f.Metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, 0, fmt.Errorf("metadata %q: %q is not UTF-8", k, v)
			}
		}
		if err := appendField(&b, metadataKey, f.Metadata); err != nil {
			return nil, 0, err
		}
	}
	end := 0
	for _, t := range f.Tensors {
		size, err := t.size()
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("tensor %q: %w", t.Name, err)
		case size != len(t.Data):
			return nil, 0, fmt.Errorf("tensor %q: have %d bytes, but %s %v takes %d", t.Name, len(t.Data), t.DType, t.Shape, size)
		case size > math.MaxInt-end:
			return nil, 0, errors.New("tensors overflow")
		case !utf8.ValidString(t.Name):
			return nil, 0, fmt.Errorf("tensor %q: name is not UTF-8", t.Name)
		case seen[t.Name]:
			return nil, 0, fmt.Errorf("tensor %q: name is taken", t.Name)
		}
		seen[t.Name] = true
		info := tensorInfo{t.DType, append([]int{}, t.Shape...), [2]int{end, end + size}}
		if err := appendField(&b, t.Name, info); err != nil {
			return nil, 0, err
		}
		end += size
	}
	if b.Len() == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for (8+b.Len())%alignment != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > MaxHeader {
		return nil, 0, fmt.Errorf("header takes %d bytes, at most %d are allowed", b.Len(), MaxHeader)
	}
	return b.Bytes(), end, nil
}

type tensorInfo struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"` // never nil, which would be written as null
	Offsets [2]int `json:"data_offsets"`
}

// appendField writes one field of the header, with the brace or comma before it.
func appendField(b *bytes.Buffer, key string, value any) error {
	before := byte(',')
	if b.Len() == 0 {
		before = '{'
	}
	k, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	v, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	b.WriteByte(before)
	b.Write(k)
	b.WriteByte(':')
	b.Write(v)
	return nil
}
