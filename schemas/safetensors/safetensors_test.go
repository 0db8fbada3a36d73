package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// file puts a header and data together as they lie in a file.
func file(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// TestBytes holds Marshal and Parse against one file, byte by byte.
func TestBytes(t *testing.T) {
	f := &File{
		Metadata: map[string]string{"b": "\"2\"", "a": "1"},
		Tensors: []Tensor{
			FromInt64s("ids", []int{2}, []int64{-1, 258}),
			FromFloat32s("scalar", nil, []float32{1}),
			{Name: "empty", DType: "U8", Shape: []int{0, 3}, Data: []byte{}},
			{Name: "é", DType: "U8", Shape: []int{1, 3}, Data: []byte("RGB")},
		},
	}
	want := file(`{"__metadata__":{"a":"1","b":"\"2\""},`+
		`"ids":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},`+
		`"scalar":{"dtype":"F32","shape":[],"data_offsets":[16,20]},`+
		`"empty":{"dtype":"U8","shape":[0,3],"data_offsets":[20,20]},`+
		`"é":{"dtype":"U8","shape":[1,3],"data_offsets":[20,23]}}  `,
		"\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\x00\x00\x00\x00\x00\x00"+"\x00\x00\x80\x3f"+"RGB")

	have, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("marshalling:\nhave %q\nwant %q", have, want)
	}
	parsed, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	f.Tensors[1].Shape = []int{} // no shape comes back as an empty one
	if !reflect.DeepEqual(parsed, f) {
		t.Errorf("parsing:\nhave %+v\nwant %+v", parsed, f)
	}
	if _, ok := parsed.Tensor("none"); ok {
		t.Error("have a tensor that is not there")
	}
	if s, ok := parsed.Tensor("scalar"); !ok || s.DType != "F32" {
		t.Errorf("have %+v and %t, want the scalar", s, ok)
	}
}

// TestHeaderIsPadded counts on nothing but the format: data begin at a
// multiple of 8 whatever the length of the names.
func TestHeaderIsPadded(t *testing.T) {
	for n := range 9 {
		f := File{Tensors: []Tensor{FromInt32s(strings.Repeat("x", n), []int{1}, []int32{7})}}
		b, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if header := binary.LittleEndian.Uint64(b); header%8 != 0 || int(header)+8+4 != len(b) {
			t.Errorf("name of %d bytes: have a header of %d in a file of %d", n, header, len(b))
		}
	}
	if b, err := new(File).Marshal(); err != nil || string(b[8:]) != "{}      " {
		t.Errorf("empty file: have %q, %v", b, err)
	}
}

// TestTensorsComeInTheOrderOfTheirData, which need not be that of the header.
func TestTensorsComeInTheOrderOfTheirData(t *testing.T) {
	f, err := Parse(file(`{"b":{"shape":[1],"data_offsets":[2,3],"dtype":"U8"}, "a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
		"nothing":{"dtype":"F64","shape":[0],"data_offsets":[2,2]}} `, "abc"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, tensor := range f.Tensors {
		have = append(have, tensor.Name+"="+string(tensor.Data))
	}
	if want := []string{"a=ab", "nothing=", "b=c"}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	if f.Metadata != nil {
		t.Errorf("metadata: have %v, want none", f.Metadata)
	}
}

func TestParseRefuses(t *testing.T) {
	const two = `{"a":{"dtype":"U8","shape":[2],"data_offsets":%},"b":{"dtype":"U8","shape":[2],"data_offsets":#}}`
	offsets := func(a, b string) string { return strings.NewReplacer("%", a, "#", b).Replace(two) }
	length := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "file of 0 bytes"},
		{"half a length", []byte{1, 0, 0, 0}, "file of 4 bytes"},
		{"truncated header", length(2), "claims 2 bytes, but only 0 follow"},
		{"huge header", length(MaxHeader + 1), "at most 100000000"},
		{"endless header", length(math.MaxUint64), "at most 100000000"},
		{"header of nothing", length(0), "does not begin with {"},
		{"space before the header", file(` {}`, ""), "does not begin with {"},
		{"array", file(`[]`, ""), "does not begin with {"},
		{"not UTF-8", file("{\"\xff\":1}", ""), "not UTF-8"},
		{"no JSON", file(`{"a"}`, ""), "invalid character"},
		{"comma too many", file(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},}`, "x"), "invalid character"},
		{"two headers", file(`{}{}`, ""), "invalid character"},

		{"tensor twice", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "x"), `key "a" comes twice`},
		{"tensor twice, escaped", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xy"), `key "a" comes twice`},
		{"dtype twice", file(`{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, "x"), `"a": key "dtype" comes twice`},
		{"metadata twice", file(`{"__metadata__":{"k":"1"},"__metadata__":{"k":"2"}}`, ""), `"__metadata__" comes twice`},
		{"metadata key twice", file(`{"__metadata__":{"k":"1","k":"2"}}`, ""), `"__metadata__": key "k" comes twice`},
		{"metadata of numbers", file(`{"__metadata__":{"k":1}}`, ""), `"k": have 1, want a string`},
		{"metadata of nothing", file(`{"__metadata__":null}`, ""), `"__metadata__": have <nil>, want {`},

		{"tensor of no object", file(`{"a":3}`, ""), `"a": have 3, want {`},
		{"unknown field", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}}`, "x"), `"strides": unknown field`},
		{"case of a field", file(`{"a":{"DType":"U8","shape":[1],"data_offsets":[0,1]}}`, "x"), `"DType": unknown field`},
		{"missing dtype", file(`{"a":{"shape":[1],"data_offsets":[0,1]}}`, "x"), "want a dtype"},
		{"missing shape", file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, "x"), "want a dtype, a shape"},
		{"missing offsets", file(`{"a":{"dtype":"U8","shape":[1]}}`, "x"), "two data_offsets"},
		{"three offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, "x"), "two data_offsets"},
		{"unknown dtype", file(`{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,1]}}`, "x"), `tensor "a": unknown dtype "F7"`},
		{"negative shape", file(`{"a":{"dtype":"U8","shape":[-1,-1],"data_offsets":[0,1]}}`, "x"), `tensor "a": shape [-1 -1] has a negative`},
		{"fractional shape", file(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, "x"), "have 1.0, want an integer"},
		{"shape of strings", file(`{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, "x"), "have 1, want a number"},
		{"nested shape", file(`{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}`, "x"), "have [, want a number"},
		{"shape beyond 64 bits", file(`{"a":{"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]}}`, "x"), "want an integer"},
		{"shape that wraps to 1", file(`{"a":{"dtype":"U8","shape":[4294967297,4294967297,18446744065119617],"data_offsets":[0,1]}}`, "x"), "overflows"},
		{"shape that wraps to 0", file(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, ""), "overflows"},
		{"huge shape times 0", file(`{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]}}`, ""), "overflows"},

		{"offsets backwards", file(offsets("[2,0]", "[2,4]"), "abcd"), `tensor "a": data_offsets [2, 0] lie outside`},
		{"offset negative", file(offsets("[-2,0]", "[0,2]"), "ab"), `tensor "a": data_offsets [-2, 0] lie outside`},
		{"truncated data", file(offsets("[0,2]", "[2,4]"), "abc"), `tensor "b": data_offsets [2, 4] lie outside of the 3 bytes`},
		{"offset far beyond", file(offsets("[0,2]", "[9223372036854775805,9223372036854775807]"), "ab"), "lie outside of the 2 bytes"},
		{"too few bytes", file(offsets("[0,1]", "[1,3]"), "abc"), `tensor "a": data_offsets [0, 1] hold 1 bytes, but U8 [2] takes 2`},
		{"same place", file(offsets("[0,2]", "[0,2]"), "ab"), `tensor "b": begins at 0, but tensor "a" ends at 2`},
		{"overlap", file(offsets("[0,2]", "[1,3]"), "abc"), `tensor "b": begins at 1, but tensor "a" ends at 2`},
		{"gap at the front", file(offsets("[1,3]", "[3,5]"), "abcde"), "bytes 0 to 1 belong to no tensor"},
		{"gap between", file(offsets("[0,2]", "[3,5]"), "abcde"), "bytes 2 to 3 belong to no tensor"},
		{"bytes at the end", file(offsets("[0,2]", "[2,4]"), "abcde"), "1 bytes after the last tensor, which ends at 4"},
		{"nothing but data", file(`{}`, "a"), "1 bytes after the last tensor"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := Parse(tc.file)
			if err == nil {
				t.Fatalf("have %+v, want an error", f)
			}
			if !strings.HasPrefix(err.Error(), "parsing safetensors: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %q, want %q", err, tc.want)
			}
		})
	}
}

func TestMarshalRefuses(t *testing.T) {
	ok := FromInt32s("a", []int{1}, []int32{1})
	for _, tc := range []struct {
		name string
		file File
		want string
	}{
		{"name twice", File{Tensors: []Tensor{ok, ok}}, `tensor "a": name is taken`},
		{"reserved name", File{Tensors: []Tensor{FromInt32s("__metadata__", []int{1}, []int32{1})}}, "name is taken"},
		{"name not UTF-8", File{Tensors: []Tensor{FromInt32s("\xff", []int{1}, []int32{1})}}, "name is not UTF-8"},
		{"metadata not UTF-8", File{Metadata: map[string]string{"k": "\xff"}}, "is not UTF-8"},
		{"data too short", File{Tensors: []Tensor{FromInt32s("a", []int{2}, []int32{1})}}, "have 4 bytes, but I32 [2] takes 8"},
		{"unknown dtype", File{Tensors: []Tensor{{Name: "a", DType: "X"}}}, `unknown dtype "X"`},
		{"negative shape", File{Tensors: []Tensor{{Name: "a", DType: "U8", Shape: []int{-1}}}}, "negative"},
		{"overflow", File{Tensors: []Tensor{{Name: "a", DType: "U8", Shape: []int{math.MaxInt, 2}}}}, "overflows"},
		{"huge header", File{Metadata: map[string]string{"k": strings.Repeat(" ", MaxHeader)}}, "at most 100000000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := tc.file.Marshal(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %v, want %q", err, tc.want)
			}
		})
	}
}

// TestDataAreViews of the buffer, which end where the tensor ends.
func TestDataAreViews(t *testing.T) {
	buf := file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, "abcd")
	f, err := Parse(buf)
	if err != nil {
		t.Fatal(err)
	}
	buf[len(buf)-4] = 'A'
	_ = append(f.Tensors[0].Data, 'X')
	if have := string(f.Tensors[0].Data) + string(f.Tensors[1].Data); have != "Abcd" {
		t.Errorf("have %q, want %q", have, "Abcd")
	}
}

func TestValuesAtAnyAddress(t *testing.T) {
	floats := []float32{0, -1.5, math.MaxFloat32, float32(math.Inf(-1))}
	doubles := []float64{math.Pi, math.Copysign(0, -1), math.SmallestNonzeroFloat64}
	ints := []int32{math.MinInt32, -1, math.MaxInt32}
	longs := []int64{math.MinInt64, -1, math.MaxInt64}
	f := File{Tensors: []Tensor{
		{Name: "odd", DType: "U8", Shape: []int{1}, Data: []byte{9}},
		FromFloat32s("floats", []int{2, 2}, floats),
		FromFloat64s("doubles", []int{3}, doubles),
		FromInt32s("ints", []int{3, 1}, ints),
		FromInt64s("longs", []int{1, 3}, longs),
	}}
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for shift := range 8 {
		parsed, err := Parse(append(make([]byte, shift), b...)[shift:])
		if err != nil {
			t.Fatal(err)
		}
		haveFloats, err1 := Float32s(parsed.Tensors[1])
		haveDoubles, err2 := Float64s(parsed.Tensors[2])
		haveInts, err3 := Int32s(parsed.Tensors[3])
		haveLongs, err4 := Int64s(parsed.Tensors[4])
		for _, err := range []error{err1, err2, err3, err4} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(haveFloats, floats) || !slices.Equal(haveDoubles, doubles) ||
			!slices.Equal(haveInts, ints) || !slices.Equal(haveLongs, longs) {
			t.Errorf("shifted by %d: have %v %v %v %v", shift, haveFloats, haveDoubles, haveInts, haveLongs)
		}
	}
}

func TestValuesRefuse(t *testing.T) {
	if _, err := Int32s(FromFloat32s("a", []int{1}, []float32{1})); err == nil || err.Error() != `reading tensor "a": have dtype F32, want I32` {
		t.Errorf("other type: have error %v", err)
	}
	if _, err := Float64s(Tensor{Name: "a", DType: "F64", Data: make([]byte, 9)}); err == nil || !strings.Contains(err.Error(), "no whole number") {
		t.Errorf("odd length: have error %v", err)
	}
}

// TestOracleFiles reads every oracle, and compares with a reader that trusts
// its input.
func TestOracleFiles(t *testing.T) {
	dir := os.Getenv("SELFSTREAM_ORACLES")
	if dir == "" {
		dir = "../../../shared/oracles"
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Skipf("no oracles in %s; set SELFSTREAM_ORACLES to their folder", dir)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			n := 8 + binary.LittleEndian.Uint64(b)
			header := map[string]struct {
				DType   string
				Shape   []int
				Offsets [2]int `json:"data_offsets"`
			}{}
			if err := json.Unmarshal(b[8:n], &header); err != nil {
				t.Fatal(err)
			}
			delete(header, metadataKey)
			if len(header) != len(f.Tensors) || f.Metadata["source"] == "" {
				t.Errorf("have %d tensors, want %d; have source %q", len(f.Tensors), len(header), f.Metadata["source"])
			}
			for _, tensor := range f.Tensors {
				want := header[tensor.Name]
				data := b[n:][want.Offsets[0]:want.Offsets[1]]
				if tensor.DType != want.DType || !slices.Equal(tensor.Shape, want.Shape) || !bytes.Equal(tensor.Data, data) {
					t.Errorf("tensor %q: have %s %v, want %+v", tensor.Name, tensor.DType, tensor.Shape, want)
				}
			}
			checkRoundTrip(t, f)
		})
	}
}

// FuzzParse: whatever parses must marshal, and come back equal.
func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(file(`{}`, ""))
	f.Add(file(`{"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}`, "abcde"))
	f.Add(file(`{"b":{"dtype":"I64","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[2,1],"data_offsets":[0,2]}}`, "ab"))
	f.Add(file(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := Parse(b)
		if err != nil {
			return
		}
		size := 0
		for _, tensor := range parsed.Tensors {
			size += len(tensor.Data)
		}
		if want := len(b) - 8 - int(binary.LittleEndian.Uint64(b)); size != want {
			t.Errorf("have %d bytes in tensors, want %d", size, want)
		}
		checkRoundTrip(t, parsed)
	})
}

func checkRoundTrip(t *testing.T, f *File) {
	t.Helper()
	b, err := f.Marshal()
	if err != nil {
		t.Fatalf("marshalling what was parsed: %v", err)
	}
	again, err := Parse(b)
	if err != nil {
		t.Fatalf("parsing what was marshalled: %v", err)
	}
	if !reflect.DeepEqual(again, f) {
		t.Fatalf("have %+v, want %+v", again, f)
	}
}

func BenchmarkParse(b *testing.B) {
	f := File{Tensors: []Tensor{
		FromInt64s("ids", []int{64}, make([]int64, 64)),
		{Name: "view0", DType: "U8", Shape: []int{64, 64, 64, 3}, Data: make([]byte, 64*64*64*3)},
	}}
	buf, err := f.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMarshalIn: whatever lies in the room, the bytes are those of Marshal.
func TestMarshalIn(t *testing.T) {
	room := bytes.Repeat([]byte("?"), 400)
	end := room[len(room)-5:]
	copy(end, "abcde")
	tensor := func(name string, data []byte) Tensor {
		return Tensor{Name: name, DType: "U8", Shape: []int{len(data)}, Data: data}
	}
	for name, tc := range map[string]struct {
		tensors []Tensor
		room    []byte
		inside  bool
	}{
		"no room":             {[]Tensor{tensor("a", []byte("abc")), tensor("b", []byte("de"))}, nil, false},
		"none is there":       {[]Tensor{tensor("a", []byte("abc")), tensor("b", []byte("de"))}, room, false},
		"all are there":       {[]Tensor{tensor("a", end[:3]), tensor("b", end[3:])}, room, true},
		"the last is there":   {[]Tensor{tensor("x", []byte("x")), tensor("b", end[3:])}, room, true},
		"in another order":    {[]Tensor{tensor("b", end[3:]), tensor("a", end[:3])}, room, false},
		"not up to the end":   {[]Tensor{tensor("a", end[:3]), tensor("b", end[3:4])}, room, false},
		"too little in front": {[]Tensor{tensor("a", end[:3]), tensor("b", end[3:])}, end, false},
		"nothing":             {nil, room, false},
		"an empty one":        {[]Tensor{tensor("a", end), tensor("b", nil)}, room, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := File{Metadata: map[string]string{"k": "v"}, Tensors: tc.tensors}
			want, err := f.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			have, err := f.MarshalIn(tc.room)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(have, want) {
				t.Errorf("have %q, want %q", have, want)
			}
			if inside := len(tc.room) > 0 && &have[len(have)-1] == &tc.room[len(tc.room)-1]; inside != tc.inside {
				t.Errorf("in the room: have %v, want %v", inside, tc.inside)
			}
		})
	}
}
