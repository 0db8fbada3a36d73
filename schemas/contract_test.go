package schemas_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"selfstream/schemas"
)

// TestSchemasMatchTypes: every field of a message is a property of its schema
// and the other way round, of the same type, required unless Go leaves it out,
// and described.
func TestSchemasMatchTypes(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.message.Type(), func(t *testing.T) {
			schema := readSchema(t, k.message)
			if schema.ID != "urn:selfstream:"+k.message.Type() || schema.Title != reflect.TypeOf(k.message).Elem().Name() {
				t.Errorf("have id %q and title %q", schema.ID, schema.Title)
			}
			if k.message.Type() != "samples.v1" {
				compare(t, "", schema, reflect.TypeOf(k.message).Elem())
				return
			}
			// Samples have a form of their own, but for their holes.
			holes := schema.Properties["__metadata__"].Properties["holes"].ContentSchema
			compare(t, "holes", holes, reflect.TypeFor[[]schemas.Hole]())
		})
	}
	files, err := filepath.Glob("*.schema.json")
	if err != nil || len(files) != len(kinds) {
		t.Errorf("have %d schemas for %d messages, and error %v", len(files), len(kinds), err)
	}
}

// schema is what compare reads of a JSON Schema.
type schema struct {
	ID                   string `json:"$id"`
	Title, Description   string
	Type, Format         string
	Required             []string
	Properties           map[string]*schema
	Items                *schema
	AdditionalProperties json.RawMessage
	ContentSchema        *schema
}

func schemaFile(m schemas.Message) string { return m.Type() + ".schema.json" }

func readSchema(t *testing.T, m schemas.Message) *schema {
	t.Helper()
	b, err := os.ReadFile(schemaFile(m))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%s: %v", schemaFile(m), err)
	}
	return &s
}

// compare holds the schema s of what lies at path against the Go type.
func compare(t *testing.T, path string, s *schema, typ reflect.Type) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "number",
		reflect.Int: "integer", reflect.Int32: "integer", reflect.Int64: "integer", reflect.Uint64: "integer",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()]
	if typ == reflect.TypeFor[time.Time]() {
		if s.Type != "string" || s.Format != "date-time" {
			t.Errorf("%s: have %s %s, want a string of format date-time", path, s.Type, s.Format)
		}
		return
	}
	if typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		want = "string"
	}
	if s.Type != want {
		t.Errorf("%s: have type %q, want %q for %v", path, s.Type, want, typ)
		return
	}
	if want == "string" {
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		compare(t, path+"[]", s.Items, typ.Elem())
	case reflect.Map:
		var value schema
		if err := json.Unmarshal(s.AdditionalProperties, &value); err != nil {
			t.Errorf("%s: additionalProperties: %v", path, err)
			return
		}
		compare(t, path+"{}", &value, typ.Elem())
	case reflect.Struct:
		compareFields(t, path, s, typ)
	}
}

func compareFields(t *testing.T, path string, s *schema, typ reflect.Type) {
	t.Helper()
	if s.Description == "" {
		t.Errorf("%s: has no description", path)
	}
	var names, required []string
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		if options == "" {
			required = append(required, name)
		}
		property := s.Properties[name]
		if property == nil {
			t.Errorf("%s.%s: is not in the schema", path, name)
			continue
		}
		if property.Description == "" {
			t.Errorf("%s.%s: has no description", path, name)
		}
		compare(t, path+"."+name, property, typ.Field(i).Type)
	}
	for name := range s.Properties {
		if !slices.Contains(names, name) {
			t.Errorf("%s.%s: is in the schema, but not in the type", path, name)
		}
	}
	if !slices.Equal(s.Required, required) {
		t.Errorf("%s: have required %q, want %q", path, s.Required, required)
	}
}

// compile returns the schema that validates messages like m.
func compile(t *testing.T, m schemas.Message) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile(m))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, body []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// jsonOf is the JSON of a message's body: of Samples, the header.
func jsonOf(m schemas.Message, body []byte) []byte {
	if m.Type() == (schemas.Samples{}).Type() {
		return body[8 : 8+binary.LittleEndian.Uint64(body)]
	}
	return body
}

func TestSchemasTakeGolden(t *testing.T) {
	for _, k := range examples {
		body, err := os.ReadFile(k.golden())
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, compile(t, k.message), jsonOf(k.message, body)); err != nil {
			t.Errorf("%s: %v", k.golden(), err)
		}
	}
}
