package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// entry is a tensor as the header describes it, still without data.
type entry struct {
	Tensor
	begin, end int
}

// parseHeader reads the header token by token: json.Unmarshal would take the
// last of two equal keys without a word, and "DTYPE" for "dtype".
func parseHeader(b []byte) (metadata map[string]string, entries []entry, err error) {
	switch {
	case len(b) == 0 || b[0] != '{':
		return nil, nil, errors.New("does not begin with {")
	case !utf8.Valid(b):
		return nil, nil, errors.New("is not UTF-8")
	}
	// Decoder.Token lets some broken syntax pass, so that is checked first.
	if err := json.Unmarshal(b, new(json.RawMessage)); err != nil {
		return nil, nil, err
	}
	d := decoder{json.NewDecoder(bytes.NewReader(b))}
	d.UseNumber()
	err = d.object(func(key string) error {
		if key == metadataKey {
			metadata, err = d.metadata()
			return err
		}
		e, err := d.entry()
		e.Name = key
		entries = append(entries, e)
		return err
	})
	return metadata, entries, err
}

type decoder struct{ *json.Decoder }

// object reads an object, calling field after each key to read its value.
func (d decoder) object(field func(key string) error) error {
	if err := d.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return d.delim('}')
}

func (d decoder) metadata() (map[string]string, error) {
	var m map[string]string // stays nil if empty, as Marshal leaves it out then
	err := d.object(func(key string) error {
		value, err := d.string()
		if m == nil {
			m = map[string]string{}
		}
		m[key] = value
		return err
	})
	return m, err
}

func (d decoder) entry() (entry, error) {
	var e entry
	var offsets []int
	err := d.object(func(key string) (err error) {
		switch key {
		case "dtype":
			e.DType, err = d.string()
		case "shape":
			e.Shape, err = d.ints()
		case "data_offsets":
			offsets, err = d.ints()
		default:
			err = errors.New("unknown field")
		}
		return err
	})
	switch {
	case err != nil:
		return e, err
	case e.DType == "" || e.Shape == nil || len(offsets) != 2:
		return e, errors.New("want a dtype, a shape and two data_offsets")
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, nil
}

// ints reads an array of integers; an empty one is not nil.
func (d decoder) ints() ([]int, error) {
	if err := d.delim('['); err != nil {
		return nil, err
	}
	ints := []int{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		number, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("have %v, want a number", tok)
		}
		n, err := strconv.Atoi(number.String())
		if err != nil {
			return nil, fmt.Errorf("have %s, want an integer of at most %d bits", number, strconv.IntSize)
		}
		ints = append(ints, n)
	}
	return ints, d.delim(']')
}

func (d decoder) string() (string, error) {
	tok, err := d.Token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("have %v, want a string", tok)
	}
	return s, nil
}

func (d decoder) delim(want json.Delim) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("have %v, want %v", tok, want)
	}
	return nil
}
