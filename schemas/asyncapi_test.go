package schemas_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.yaml.in/yaml/v3"

	"selfstream/schemas"
)

// asyncAPI is what the tests read of asyncapi.yaml.
type asyncAPI struct {
	Channels   map[string]channel
	Operations map[string]struct {
		Action  string
		Channel reference
	}
	Components struct{ Messages map[string]message }
}

type channel struct {
	Address    string
	Parameters map[string]any
	Messages   map[string]reference
	JetStream  struct{ Stream, Retention, Storage string } `yaml:"x-jetstream"`
}

type message struct {
	Name    string
	Headers struct {
		Required   []string
		Properties map[string]struct{ Const string }
	}
	Payload reference
	Header  reference `yaml:"x-safetensors-header"`
}

type reference struct {
	Ref string `yaml:"$ref"`
}

// TestAsyncAPI holds the document against the messages, their schemas and the
// streams: one channel for each of them, which one sends to and one reads.
func TestAsyncAPI(t *testing.T) {
	b, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(b, &tree); err != nil {
		t.Fatal(err)
	}
	checkReferences(t, tree, tree)
	var doc asyncAPI
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}

	if c, m := len(doc.Channels), len(doc.Components.Messages); c != len(kinds) || m != len(kinds) {
		t.Errorf("have %d channels and %d messages, want %d of each", c, m, len(kinds))
	}
	for _, k := range kinds {
		t.Run(k.message.Type(), func(t *testing.T) {
			typ := reflect.TypeOf(k.message).Elem().Name()
			id, key := strings.ToLower(k.stream), strings.ToLower(typ[:1])+typ[1:]
			if k.stream == "" {
				id = k.message.Subject()
			}
			checkChannel(t, doc.Channels[id], k)
			checkMessage(t, doc.Components.Messages[key], k)
			want := map[string]reference{key: {"#/components/messages/" + key}}
			if have := doc.Channels[id].Messages; !reflect.DeepEqual(have, want) {
				t.Errorf("have messages %v, want %v", have, want)
			}

			actions := map[string]int{}
			for _, op := range doc.Operations {
				if op.Channel.Ref == "#/channels/"+id {
					actions[op.Action]++
				}
			}
			if !reflect.DeepEqual(actions, map[string]int{"send": 1, "receive": 1}) {
				t.Errorf("have operations %v, want one that sends and one that receives", actions)
			}
		})
	}
	for _, want := range []string{schemas.AugmenterHeader, schemas.SecondsHeader} {
		if _, ok := doc.Components.Messages["samples"].Headers.Properties[want]; !ok {
			t.Errorf("message samples: want the header %s", want)
		}
	}
}

func checkChannel(t *testing.T, have channel, k kind) {
	t.Helper()
	if k.stream == "" {
		if have.Address != k.message.Subject() || have.JetStream.Stream != "" {
			t.Errorf("have address %q and stream %q, want %q and none", have.Address, have.JetStream.Stream, k.message.Subject())
		}
		return
	}
	streams := schemas.Streams(0)
	cfg := streams[slices.IndexFunc(streams, func(s jetstream.StreamConfig) bool { return s.Name == k.stream })]
	if want := strings.ReplaceAll(cfg.Subjects[0], "*", "{run}"); len(cfg.Subjects) != 1 || have.Address != want {
		t.Errorf("have address %q, want %q", have.Address, want)
	}
	if len(have.Parameters) != strings.Count(have.Address, "{") {
		t.Errorf("have parameters %v for %s", have.Parameters, have.Address)
	}
	s := have.JetStream
	if s.Stream != cfg.Name || s.Retention != strings.ToLower(cfg.Retention.String()) || s.Storage != strings.ToLower(cfg.Storage.String()) {
		t.Errorf("have stream %+v, want %s %v %v", s, cfg.Name, cfg.Retention, cfg.Storage)
	}
}

func checkMessage(t *testing.T, have message, k kind) {
	t.Helper()
	payload := have.Payload
	if have.Header.Ref != "" { // of Samples, which are no JSON
		payload = have.Header
	}
	if have.Name != k.message.Type() || payload.Ref != schemaFile(k.message) {
		t.Errorf("have name %q and schema %q, want %q and %q", have.Name, payload.Ref, k.message.Type(), schemaFile(k.message))
	}
	if h := have.Headers; h.Properties[schemas.TypeHeader].Const != k.message.Type() || !slices.Contains(h.Required, schemas.TypeHeader) {
		t.Errorf("have headers %+v, want %s: %s", h, schemas.TypeHeader, k.message.Type())
	}
}

// checkReferences follows every $ref below node, to files and within doc.
func checkReferences(t *testing.T, doc, node any) {
	t.Helper()
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			checkReferences(t, doc, child)
		}
	case map[string]any:
		for key, child := range node {
			if key != "$ref" {
				checkReferences(t, doc, child)
				continue
			}
			ref, _ := child.(string)
			path, local := strings.CutPrefix(ref, "#/")
			if !local {
				if _, err := os.Stat(ref); err != nil {
					t.Errorf("reference to %q: %v", ref, err)
				}
				continue
			}
			at := doc
			for step := range strings.SplitSeq(path, "/") {
				m, _ := at.(map[string]any)
				at = m[step]
			}
			if at == nil {
				t.Errorf("reference to %q: there is nothing", ref)
			}
		}
	}
}
