package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"selfstream/evaluator/history"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
	"selfstream/stages/scenes"
)

// A run of the containers has as many steps as the disturbances take time for, on
// a quick machine, too.
const containerSteps = 600

// TestContainers does what README.md tells people to do, with the images and
// the services of the Dockerfile and compose.yaml as they are: build, up, drop
// a dataset, scale, look at the report. Besides, it kills every service once
// and takes everything down and up again.
func TestContainers(t *testing.T) {
	if os.Getenv("SELFSTREAM_CONTAINERS") == "" {
		t.Skip("takes minutes and a Docker Engine: make containers")
	}
	if _, stderr, err := output("docker", "info"); err != nil {
		t.Skipf("no Docker Engine answers: %v: %s", err, stderr)
	}
	c := newComposed(t)
	c.compose("--file", "compose.yaml", "--file", "compose.gpu.yaml", "--file", "compose.tls.yaml", "config", "--quiet")
	c.compose("--profile", "ask", "build", "--quiet")
	t.Run("images", c.testImages)
	t.Run("reproducible", c.testReproducible)

	c.up()
	c.drop("photos", 32, 8)
	run := c.started("photos")
	c.reach(run, 20)
	c.scale(3)
	c.reach(run, c.status(run).Step+20)
	c.scale(1)
	for _, service := range []string{"augmenter", "trainer", "evaluator", "nats", "s3"} {
		c.compose("kill", service) // with SIGKILL
		c.up()
		c.reach(run, c.status(run).Step+20)
	}
	for step := c.status(run).Step; step < containerSteps; step += 20 {
		c.reach(run, step+20) // the whole may take long
	}
	c.await("the end of the run", func() bool { return c.status(run).State == ledger.Finished })
	before := c.report(run)
	t.Logf("%s: %d batches with the digest %s\n%s", run, before.Steps, before.BatchesSHA256, c.ask("runs", run))
	c.ask("verify", run)

	c.compose("down")
	c.up()
	after := c.report(run)
	// Snapshots that were out when the evaluator was killed come late.
	if after.BatchesSHA256 != before.BatchesSHA256 || after.WeightsSHA256 != before.WeightsSHA256 || len(after.Probes) < len(before.Probes) {
		t.Errorf("after down and up: have %+v, want %+v", after, before)
	}
	c.ask("verify", run) // reads all images
}

// testImages holds the images against what is promised of them.
func (c *composed) testImages(t *testing.T) {
	inspect := func(image string) (has struct {
		Size   int64
		Config struct{ User string }
	}) {
		if err := json.Unmarshal([]byte(c.command("docker", "image", "inspect", "--format", "{{json .}}", image)), &has); err != nil {
			t.Fatal(err)
		}
		return has
	}
	want := "selfstream " + strings.TrimSpace(c.command("git", "describe", "--tags", "--always", "--dirty"))
	for _, name := range []string{"augmenter", "trainer"} {
		image := "selfstream-" + name + ":" + c.project
		has := inspect(image)
		if has.Config.User != "65532:65532" {
			t.Errorf("%s: have user %q, want nobody in particular", name, has.Config.User)
		}
		if name == "augmenter" && has.Size >= 40e6 {
			t.Errorf("%s: have %d bytes, want less than 40 MB", name, has.Size)
		}
		t.Logf("%s: %.1f MB", name, float64(has.Size)/1e6)
		if have := strings.TrimSpace(c.command("docker", "run", "--rm", image, "version")); have != want {
			t.Errorf("%s: have version %q, want %q", name, have, want)
		}
	}
	augmenter := "selfstream-augmenter:" + c.project
	if out, _, err := output("docker", "run", "--rm", "--entrypoint", "sh", augmenter, "-c", "echo found"); err == nil {
		t.Errorf("augmenter: a shell says %q, want none", out)
	}
}

// testReproducible builds the augmenter's program here, at another time, in another
// place and with another cache than the image's. It must be the same.
func (c *composed) testReproducible(t *testing.T) {
	golang := regexp.MustCompile(`FROM golang:([0-9.]+)-`).FindStringSubmatch(readFile(t, "Dockerfile"))
	if golang == nil {
		t.Fatal("no version of Go in the Dockerfile")
	}
	dir := t.TempDir()
	image := "selfstream-augmenter:" + c.project
	container := strings.TrimSpace(c.command("docker", "create", image))
	defer c.command("docker", "rm", container)
	c.command("docker", "cp", "--quiet", container+":/usr/local/bin/selfstream", filepath.Join(dir, "image"))
	version := strings.TrimSpace(c.command("git", "describe", "--tags", "--always", "--dirty"))
	build := exec.Command("go", "build", "-tags", "noservers,noxla", "-ldflags", "-s -w -X main.stamped="+version, "-o", filepath.Join(dir, "here"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOTOOLCHAIN=go"+golang[1])
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	have, want := sha256.Sum256([]byte(readFile(t, filepath.Join(dir, "here")))), sha256.Sum256([]byte(readFile(t, filepath.Join(dir, "image"))))
	if have != want {
		t.Errorf("%s: its program has the digest %x, and what is built of the same source here %x", image, want, have)
	}
	t.Logf("%s: the program has the digest %x, here and there", image, want)
}

// drop uploads drawn pictures as a dataset that chooses its run.
func (c *composed) drop(name string, train, test int) {
	c.t.Helper()
	b, err := bucket.Open(c.t.Context(), c.s3, datasetsBucket)
	if err != nil {
		c.t.Fatal(err)
	}
	defer b.Close()
	put := func(key string, data []byte) {
		if err := b.Put(c.t.Context(), name+"/"+key, data); err != nil {
			c.t.Fatal(err)
		}
	}
	put("selfstream.yaml", fmt.Appendf(nil, "steps: %d\nbatch: 64\nset: {dim: 64}\nsnapshot-every: 20\n", containerSteps))
	for key, png := range scenes.All(1, train, test) {
		put(key, png)
	}
}

// started waits until there is a run on a dataset, and returns its name.
func (c *composed) started(dataset string) (run string) {
	c.t.Helper()
	c.await("a run on "+dataset, func() bool {
		var runs []history.Summary
		if err := json.Unmarshal([]byte(c.ask("runs", "--json")), &runs); err != nil {
			c.t.Fatal(err)
		}
		for _, r := range runs {
			if r.Dataset == dataset {
				run = r.Run
			}
		}
		return run != ""
	})
	return run
}

// scale has n augmenters.
func (c *composed) scale(n int) {
	c.t.Helper()
	c.up("--no-recreate", "--scale", "augmenter="+strconv.Itoa(n))
	if have := len(c.containers("augmenter")); have != n {
		c.t.Errorf("have %d augmenters, want %d", have, n)
	}
}

// report waits for the probes of the last snapshot of a finished run.
func (c *composed) report(run string) (sum history.Summary) {
	c.t.Helper()
	c.await("the last report", func() bool {
		sum = c.summary(run)
		last := len(sum.Probes) - 1
		return last > 0 && sum.Probes[last].Step == containerSteps && sum.Probes[last].LinearTop1 != nil && sum.Probes[last].KNNTop1 != nil
	})
	return sum
}
