package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"selfstream/evaluator/history"
	"selfstream/schemas"
	"selfstream/stages/bucket"
	"selfstream/stages/ledger"
)

// containerPatience is with anything that the test of containers waits for, on
// a machine that is busy with other things.
const containerPatience = 5 * time.Minute

// composed is compose.yaml under a project name, images and ports of its own.
type composed struct {
	t       *testing.T
	project string
	envFile string
	s3      bucket.Config // as a person reaches it
}

// newComposed makes an .env as "make .env" does, with other ports, and takes
// everything down when t ends.
func newComposed(t *testing.T) *composed {
	t.Helper()
	c := &composed{t: t, project: "selfstream-" + strings.ToLower(rand.Text()[:8]), envFile: filepath.Join(t.TempDir(), "env")}
	c.command("make", "--silent", c.envFile, "ENVFILE="+c.envFile)
	port := freePort(t)
	f, err := os.OpenFile(c.envFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, "S3_PORT=%s\nS3_PAGE_PORT=%s\nBOARD_PORT=%s\nQUIET=2s\nTAG=%s\n", port, freePort(t), freePort(t), c.project)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	env := c.env()
	c.s3 = bucket.Config{Endpoint: "http://127.0.0.1:" + port, AccessKey: schemas.PersonService, SecretKey: env["S3_PERSON_SECRET_KEY"], Region: "us-east-1"}
	t.Cleanup(func() {
		if t.Failed() {
			c.keepLogs()
		}
		c.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
		c.command("docker", "rmi", "selfstream-augmenter:"+c.project, "selfstream-trainer:"+c.project)
	})
	return c
}

// keepLogs writes what the services said beside the test's results, so that the
// test's last lines are its own.
func (c *composed) keepLogs() {
	file := filepath.Join(c.t.ArtifactDir(), "services.log")
	out, stderr, err := output("docker", c.arguments("logs", "--no-color")...)
	if err := errors.Join(err, os.WriteFile(file, []byte(out+stderr), 0o644)); err != nil {
		c.t.Log(err)
	}
	c.t.Logf("what the services said: %s", file)
}

// env is what the .env says.
func (c *composed) env() map[string]string {
	c.t.Helper()
	data, err := os.ReadFile(c.envFile)
	if err != nil {
		c.t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			env[key] = value
		}
	}
	return env
}

// compose runs docker compose to its end.
func (c *composed) compose(args ...string) string {
	c.t.Helper()
	return c.command("docker", c.arguments(args...)...)
}

// arguments are docker's, for a command of docker compose.
func (c *composed) arguments(args ...string) []string {
	return append([]string{"compose", "--env-file", c.envFile, "--project-name", c.project}, args...)
}

// command runs a program to its end, which must be a good one, and returns what
// it wrote to stdout.
func (c *composed) command(name string, args ...string) string {
	c.t.Helper()
	out, stderr, err := output(name, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr)
	}
	return out
}

func output(name string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// ask runs a command of selfstream inside.
func (c *composed) ask(args ...string) string {
	c.t.Helper()
	return c.compose(append([]string{"run", "--rm", "selfstream"}, args...)...)
}

// up starts what does not run and waits until all of it is healthy.
func (c *composed) up(args ...string) {
	c.t.Helper()
	c.compose(append([]string{"up", "--detach", "--wait", "--wait-timeout", fmt.Sprint(containerPatience.Seconds())}, args...)...)
}

// containers are the IDs of a service's running containers.
func (c *composed) containers(service string) []string {
	c.t.Helper()
	return strings.Fields(c.compose("ps", "--quiet", service))
}

// status is what a run says of itself; nothing while there is no S3.
func (c *composed) status(run string) (status ledger.Status) {
	b, err := bucket.Open(c.t.Context(), c.s3, runsBucket)
	if err != nil {
		return status
	}
	defer b.Close()
	_ = ledger.New(b).Read(c.t.Context(), run, ledger.State, &status) // there is none yet, or the S3 is away
	return status
}

// summary is what selfstream runs --json says of a run.
func (c *composed) summary(run string) (sum history.Summary) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.ask("runs", run, "--json")), &sum); err != nil {
		c.t.Fatal(err)
	}
	return sum
}

// reach waits until a run has got to a step that it wrote down, or to its end.
func (c *composed) reach(run string, step int) {
	c.t.Helper()
	step = min(step, containerSteps)
	c.await(fmt.Sprintf("step %d", step), func() bool {
		status := c.status(run)
		if status.State == ledger.Failed {
			c.t.Fatalf("the run failed: %s", status.Error)
		}
		return status.Step >= step
	})
}

// await fails the test unless ok becomes true.
func (c *composed) await(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(containerPatience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if ok() {
			return
		}
	}
	c.t.Fatalf("waiting for %s: not so after %s", what, containerPatience)
}
