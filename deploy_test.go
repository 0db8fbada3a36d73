package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestImageVersions: the servers of compose.yaml and of deploy/kubernetes are
// those that are embedded, and that all other tests are made with.
func TestImageVersions(t *testing.T) {
	mod := readFile(t, "go.mod")
	for image, module := range map[string]string{"nats": "github.com/nats-io/nats-server/v2", "versity/versitygw": "github.com/versity/versitygw"} {
		_, version, ok := strings.Cut(mod, "\t"+module+" v")
		if !ok {
			t.Fatalf("no %s in go.mod", module)
		}
		version, _, _ = strings.Cut(version, "\n")
		tags := regexp.MustCompile(`image: ` + image + `:v?([0-9.]+)`)
		found := 0
		for _, file := range []string{"compose.yaml", "deploy/kubernetes/base/nats.yaml", "deploy/kubernetes/base/s3.yaml"} {
			for _, m := range tags.FindAllStringSubmatch(readFile(t, file), -1) {
				found++
				if m[1] != version {
					t.Errorf("%s: have %s %s, want %s as in go.mod", file, image, m[1], version)
				}
			}
		}
		if found != 2 {
			t.Errorf("have %d images of %s, want one in compose.yaml and one in deploy/kubernetes", found, image)
		}
	}
}
