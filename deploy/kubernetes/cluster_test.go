package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCluster: what the nodes are told of each other is so, and Kubernetes can
// tell it.
func TestCluster(t *testing.T) {
	all := render(t, []string{"cluster"})
	set := find(t, all, "StatefulSet", "nats")
	if have := at(set, "spec", "replicas"); fmt.Sprint(have) != "3" {
		t.Errorf("have %v nodes, want 3", have)
	}
	node := container(t, set)
	args := node["args"].([]any)
	config, ok := strings.CutPrefix(args[len(args)-1].(string), "/etc/nats/selfstream/")
	if !ok || !slices.ContainsFunc(all, func(o object) bool { return o["kind"] == "ConfigMap" && at(o, "data", config) != nil }) {
		t.Errorf("have arguments %v, want a configuration that is in a ConfigMap", args)
	}

	var routes []string
	for i := range 3 {
		// Pods of a StatefulSet have these names, and addresses in its service.
		routes = append(routes, fmt.Sprintf("nats://cluster:$(NATS_CLUSTER_PASSWORD)@%s-%d.%s:6222", at(set, "metadata", "name"), i, at(set, "spec", "serviceName")))
	}
	if have, want := env(node, "NATS_ROUTES"), "["+strings.Join(routes, ", ")+"]"; have != want {
		t.Errorf("have NATS_ROUTES %s, want %s", have, want)
	}
	// $(…) is only replaced by what comes before.
	names := envNames(node)
	if password := slices.Index(names, "NATS_CLUSTER_PASSWORD"); password < 0 || slices.Index(names, "NATS_ROUTES") < password {
		t.Errorf("have variables %v, want NATS_CLUSTER_PASSWORD before NATS_ROUTES", names)
	}
	ports := at(find(t, all, "Service", "nats"), "spec", "ports").([]any)
	if !slices.ContainsFunc(ports, func(p any) bool { return fmt.Sprint(at(p, "port")) == "6222" }) {
		t.Errorf("have ports %v of the service, want 6222 among them", ports)
	}

	trainer := container(t, find(t, all, "Deployment", "trainer"))
	if have := env(trainer, "SELFSTREAM_NATS_REPLICAS"); have != "3" {
		t.Errorf("the trainer asks for %q replicas, want 3", have)
	}
	if have := env(trainer, "SELFSTREAM_NATS_USER"); have != "trainer" {
		t.Errorf("the trainer is %q, want what the base says", have)
	}
}

func find(t *testing.T, all []object, kind, name string) object {
	t.Helper()
	i := slices.IndexFunc(all, func(o object) bool { return o["kind"] == kind && at(o, "metadata", "name") == name })
	if i < 0 {
		t.Fatalf("have no %s %s", kind, name)
	}
	return all[i]
}

// container is the only one of a workload's pods.
func container(t *testing.T, o object) object {
	t.Helper()
	all := at(o, "spec", "template", "spec", "containers").([]any)
	if len(all) != 1 {
		t.Fatalf("%v: have %d containers, want 1", at(o, "metadata", "name"), len(all))
	}
	return all[0].(object)
}

// env is the value of a variable of a container, or nil.
func env(c object, name string) any {
	for _, e := range c["env"].([]any) {
		if at(e, "name") == name {
			return at(e, "value")
		}
	}
	return nil
}

func envNames(c object) (names []string) {
	for _, e := range c["env"].([]any) {
		names = append(names, at(e, "name").(string))
	}
	return names
}
