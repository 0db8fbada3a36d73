// Package kubernetes holds what kustomize makes of these folders against the
// schemas of Kubernetes and KEDA. It is a module of its own, so that the product
// does not need what the test needs.
package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// secrets are not in the manifests, but printed by a program from an .env.
func secrets(t *testing.T) (all []object) {
	t.Helper()
	env := filepath.Join(t.TempDir(), "env")
	if out, err := exec.Command("make", "--silent", "--directory", "../..", env, "ENVFILE="+env).CombinedOutput(); err != nil {
		t.Fatalf("making an .env: %v: %s", err, out)
	}
	out, err := exec.Command("./secrets", env).Output()
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(strings.TrimPrefix(string(out), "---\n"), "---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		o["metadata"].(object)["namespace"] = "selfstream" // as kubectl does
		for key, value := range o["stringData"].(object) {
			if len(value.(string)) < 32 {
				t.Errorf("secret %v: have %s %q, want what nobody guesses", at(o, "metadata", "name"), key, value)
			}
		}
		all = append(all, plain(t, o))
	}
	return all
}

func TestManifests(t *testing.T) {
	known, made := schemas(t), secrets(t)
	for name, components := range map[string][]string{
		"base": {}, "autoscale": {"autoscale"}, "cluster": {"cluster"}, "gpu": {"gpu"}, "all": {"autoscale", "cluster", "gpu"},
	} {
		t.Run(name, func(t *testing.T) { check(t, known, append(render(t, components), made...)) })
	}
	t.Run("as it is", func(t *testing.T) { check(t, known, append(build(t, "."), made...)) })
}

// render builds the base with some of the components.
func render(t *testing.T, components []string) []object {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	back, err := filepath.Rel(dir, here)
	if err != nil {
		t.Fatal(err)
	}
	text := "resources: [" + filepath.Join(back, "base") + "]\ncomponents:\n"
	for _, c := range components {
		text += "- " + filepath.Join(back, c) + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return build(t, dir)
}

// build is "kustomize build".
func build(t *testing.T, dir string) []object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	for _, r := range resources.Resources() {
		m, err := r.Map()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, plain(t, m))
	}
	return all
}

func check(t *testing.T, known map[string]*jsonschema.Schema, all []object) {
	names := map[string][]string{} // by kind
	for _, o := range all {
		kind, name := o["kind"].(string), at(o, "metadata", "name").(string)
		names[kind] = append(names[kind], name)
		schema := known[o["apiVersion"].(string)+" "+kind]
		if schema == nil {
			t.Errorf("%s %s: no schema of %v", kind, name, o["apiVersion"])
			continue
		}
		if err := schema.Validate(o); err != nil {
			t.Errorf("%s %s: %v", kind, name, err)
		}
		if have := at(o, "metadata", "namespace"); kind != "Namespace" && have != "selfstream" {
			t.Errorf("%s %s: have namespace %v", kind, name, have)
		}
	}
	for _, o := range all {
		who := o["kind"].(string) + " " + at(o, "metadata", "name").(string)
		references(o, func(kind, name string) {
			if !slices.Contains(names[kind], name) {
				t.Errorf("%s refers to %s %s, which is not there", who, kind, name)
			}
		})
		switch o["kind"] {
		case "Service":
			if !selects(all, at(o, "spec", "selector")) {
				t.Errorf("%s selects no pod", who)
			}
		case "Deployment", "StatefulSet":
			checkPod(t, who, o)
			checkProbes(t, who, o)
		case "Job":
			checkPod(t, who, o)
		}
	}
}

// checkPod holds a pod against what Kubernetes says only once it runs, and
// against the "restricted" standard.
func checkPod(t *testing.T, who string, o object) {
	want, _ := at(o, "spec", "selector", "matchLabels").(object) // a Job has one of its own
	labels := at(o, "spec", "template", "metadata", "labels").(object)
	for k, v := range want {
		if labels[k] != v {
			t.Errorf("%s selects %s=%v, its pods have %v", who, k, v, labels[k])
		}
	}
	pod := at(o, "spec", "template", "spec").(object)
	if at(pod, "securityContext", "runAsNonRoot") != true || at(pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault" {
		t.Errorf("%s: have security context %v, want no root and a seccomp profile", who, pod["securityContext"])
	}
	for _, c := range pod["containers"].([]any) {
		c := c.(object)
		s := at(c, "securityContext")
		if at(s, "allowPrivilegeEscalation") != false || at(s, "readOnlyRootFilesystem") != true || at(s, "capabilities", "drop").([]any)[0] != "ALL" {
			t.Errorf("%s: have security context %v", who, s)
		}
		if at(c, "resources", "limits", "memory") == nil {
			t.Errorf("%s: has no limit of memory", who)
		}
	}
}

// checkProbes: what is asked for health is a port that is there.
func checkProbes(t *testing.T, who string, o object) {
	for _, c := range at(o, "spec", "template", "spec", "containers").([]any) {
		c := c.(object)
		var ports []any
		for _, p := range c["ports"].([]any) {
			ports = append(ports, at(p, "name"))
		}
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			port := at(c, probe, "httpGet", "port")
			if port == nil {
				port = at(c, probe, "tcpSocket", "port")
			}
			if !slices.Contains(ports, port) {
				t.Errorf("%s: the %s asks port %v, want one of %v", who, probe, port, ports)
			}
		}
	}
}

// references calls f with all that o names.
func references(v any, f func(kind, name string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			references(e, f)
		}
	case object:
		for key, e := range v {
			name, _ := at(e, "name").(string)
			switch key {
			case "secretRef", "secretKeyRef":
				f("Secret", name)
			case "configMapRef", "configMapKeyRef", "configMap":
				f("ConfigMap", name)
			case "scaleTargetRef":
				f("Deployment", name)
			case "serviceName":
				f("Service", e.(string))
			}
			references(e, f)
		}
	}
}

// selects tells whether a selector finds a pod.
func selects(all []object, selector any) bool {
	return slices.ContainsFunc(all, func(o object) bool {
		labels, _ := at(o, "spec", "template", "metadata", "labels").(object)
		for k, v := range selector.(object) {
			if labels[k] != v {
				return false
			}
		}
		return true
	})
}

// at is the field at a path, or nil.
func at(v any, path ...string) any {
	for _, key := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[key]
	}
	return v
}

// TestNoSecrets: the repository holds none.
func TestNoSecrets(t *testing.T) {
	for _, o := range build(t, ".") {
		if o["kind"] == "Secret" {
			t.Errorf("have a Secret %v", at(o, "metadata", "name"))
		}
		if text, _ := at(o, "data", "nats.conf").(string); o["kind"] == "ConfigMap" && strings.Contains(text, "password: \"") {
			t.Error("have a password in nats.conf")
		}
	}
}
