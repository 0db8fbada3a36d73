package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Float32s returns the elements of an F32 tensor, row-major. Like its siblings
// it copies, so that Data may lie at any address, and refuses other types.
func Float32s(t Tensor) ([]float32, error) { return values[float32](t, "F32") }

// Float64s returns the elements of an F64 tensor, row-major.
func Float64s(t Tensor) ([]float64, error) { return values[float64](t, "F64") }

// Int32s returns the elements of an I32 tensor, row-major.
func Int32s(t Tensor) ([]int32, error) { return values[int32](t, "I32") }

// Int64s returns the elements of an I64 tensor, row-major.
func Int64s(t Tensor) ([]int64, error) { return values[int64](t, "I64") }

// FromFloat32s returns an F32 tensor of a copy of data. Marshal refuses it if
// shape and data do not match.
func FromFloat32s(name string, shape []int, data []float32) Tensor {
	return from(name, "F32", shape, data)
}

// FromFloat64s is FromFloat32s for F64.
func FromFloat64s(name string, shape []int, data []float64) Tensor {
	return from(name, "F64", shape, data)
}

// FromInt32s is FromFloat32s for I32.
func FromInt32s(name string, shape []int, data []int32) Tensor {
	return from(name, "I32", shape, data)
}

// FromInt64s is FromFloat32s for I64.
func FromInt64s(name string, shape []int, data []int64) Tensor {
	return from(name, "I64", shape, data)
}

type number interface {
	float32 | float64 | int32 | int64
}

func values[T number](t Tensor, dtype string) ([]T, error) {
	if t.DType != dtype {
		return nil, fmt.Errorf("reading tensor %q: have dtype %s, want %s", t.Name, t.DType, dtype)
	}
	if len(t.Data)%Width(dtype) != 0 {
		return nil, fmt.Errorf("reading tensor %q: %d bytes are no whole number of %s", t.Name, len(t.Data), dtype)
	}
	v := make([]T, len(t.Data)/Width(dtype))
	if _, err := binary.Decode(t.Data, binary.LittleEndian, v); err != nil {
		return nil, fmt.Errorf("reading tensor %q: %w", t.Name, err)
	}
	return v, nil
}

func from[T number](name, dtype string, shape []int, data []T) Tensor {
	var b bytes.Buffer
	b.Grow(len(data) * Width(dtype))
	// Neither a Buffer nor a slice of fixed-size numbers can fail.
	_ = binary.Write(&b, binary.LittleEndian, data)
	return Tensor{Name: name, DType: dtype, Shape: shape, Data: b.Bytes()}
}
