package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// keda is the version whose ScaledObject is taken.
const keda = "v2.21.0"

// object is a manifest, or a schema.
type object = map[string]any

// schemas are those of all kinds by apiVersion and kind, as strict as kubectl:
// a field that is not in them is an error.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	urls := map[string]string{}
	document := kubernetesSchemas(t)
	for name, d := range document["definitions"].(object) {
		kinds, _ := d.(object)["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			urls[gvk(k.(object))] = "kubernetes.json#/definitions/" + name
		}
	}
	add(t, c, "kubernetes.json", document)
	for key, schema := range kedaSchemas(t) {
		add(t, c, key, schema)
		urls[key] = key
	}
	compiled := map[string]*jsonschema.Schema{}
	for key, url := range urls {
		s, err := c.Compile(url)
		if err != nil {
			t.Fatal(err)
		}
		compiled[key] = s
	}
	return compiled
}

func add(t *testing.T, c *jsonschema.Compiler, url string, schema object) {
	t.Helper()
	strict(schema)
	if err := c.AddResource(url, schema); err != nil {
		t.Fatal(err)
	}
}

func gvk(k object) string {
	if k["group"] == "" {
		return fmt.Sprintf("%s %s", k["version"], k["kind"])
	}
	return fmt.Sprintf("%s/%s %s", k["group"], k["version"], k["kind"])
}

// kubernetesSchemas is the OpenAPI document of Kubernetes that kustomize
// carries, of 1.21. What is valid there in v1 of an API still is.
func kubernetesSchemas(t *testing.T) (document object) {
	t.Helper()
	data, err := json.Marshal(openapi.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// kedaSchemas are in the definition of ScaledObject in KEDA's module.
func kedaSchemas(t *testing.T) map[string]object {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/kedacore/keda/v2@"+keda)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("downloading KEDA's module: %v: %s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(module.Dir, "config", "crd", "bases", "keda.sh_scaledobjects.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	found := map[string]object{}
	for _, v := range crd.Spec.Versions {
		found["keda.sh/"+v.Name+" ScaledObject"] = plain(t, v.Schema.OpenAPIV3Schema)
	}
	return found
}

// plain is v with the types that JSON has.
func plain(t *testing.T, v any) (o object) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	have, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return have.(object)
}

// strict makes OpenAPI a JSON Schema that refuses unknown fields.
func strict(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			strict(e)
		}
	case object:
		for _, e := range v {
			strict(e)
		}
		_, fields := v["properties"]
		if _, open := v["additionalProperties"]; fields && !open && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		if v["format"] == "int-or-string" || v["x-kubernetes-int-or-string"] == true {
			v["type"] = []any{"integer", "string"}
			delete(v, "anyOf")
		}
	}
}
